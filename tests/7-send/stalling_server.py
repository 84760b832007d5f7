#!/usr/bin/env python3
"""Two SMTP servers: one that never lets go of a connection, and a good one that tells whether mail went on meanwhile.

  stalling_server.py PORTSFILE VERDICTFILE MODE [CERTIFICATE KEY]

MODE, what the first one does:
  greeting   refuses at the greeting, and never answers QUIT
  auth       refuses the password, and never answers QUIT
  ehlo       answers EHLO with what is no SMTP, and says nothing more
  tls        begins TLS with a certificate that nobody trusts, and says nothing more
  dot        leaves the first mail's final dot without an answer
  quit       takes one mail, and never answers QUIT
  quit-tls   the same behind STARTTLS; no close_notify either
  name       is not there: its name is being looked up (stuck_resolver.c); the good one takes five mails a second

The good one answers no dot before the client has met the first one's silence, or has ended that connection by itself. Then the first one stays
silent, and its connection open, until the good one has taken 20 more mails: the verdict `went on` is that they came."""
import asyncio
import os
import ssl
import sys

ports_file, verdict_file, mode = sys.argv[1:4]
taken = 0
waiting = asyncio.Event()
progress = asyncio.Event()
turn = asyncio.Lock()


def verdict(text):
    if not os.path.exists(verdict_file):
        with open(verdict_file + ".new", "w") as f:
            f.write(text)
        os.rename(verdict_file + ".new", verdict_file)


async def stall(reader):
    """Until 20 more mails were taken elsewhere; nothing is said, and what comes is swallowed."""
    began = taken
    waiting.set()
    while taken < began + 20:
        progress.clear()
        await progress.wait()
    verdict("went on\n")
    await asyncio.sleep(3600)


async def good(reader, writer):
    global taken
    writer.write(b"220 good ESMTP\r\n")
    data = False
    while line := await reader.readline():
        word = line[:4].upper()
        if data:
            if line != b".\r\n":
                continue
            data = False
            await waiting.wait()
            if mode == "name":
                async with turn:
                    await asyncio.sleep(0.2)
            taken += 1
            progress.set()
            writer.write(b"250 2.0.0 taken\r\n")
        elif word in (b"EHLO", b"HELO"):
            writer.write(b"250-good\r\n250 PIPELINING\r\n")
        elif word == b"DATA":
            data = True
            writer.write(b"354 go\r\n")
        elif word == b"QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 ok\r\n")
        await writer.drain()
    writer.close()


async def bad(reader, writer):
    writer.write(b"554 5.7.1 go away\r\n" if mode == "greeting" else b"220 bad ESMTP\r\n")
    data = False
    while line := await reader.readline():
        word = line[:4].upper()
        if data:
            if line == b".\r\n":
                data = False
                if mode == "dot":
                    await stall(reader)
                writer.write(b"250 2.0.0 taken\r\n")
        elif word == b"QUIT":
            await stall(reader)
        elif word in (b"EHLO", b"HELO"):
            if mode == "ehlo":
                writer.write(b"this is no answer\r\nnor this\r\n")
                await writer.drain()
                await stall(reader)
            tls = "tls" in mode and not writer.get_extra_info("ssl_object")
            writer.write(b"250-bad\r\n" + (b"250-AUTH PLAIN\r\n" if mode == "auth" else b"") + (b"250-STARTTLS\r\n" if tls else b"") + b"250 ok\r\n")
        elif word == b"AUTH":
            writer.write(b"535 5.7.8 no\r\n")
        elif word == b"STAR":
            writer.write(b"220 go ahead\r\n")
            await writer.drain()
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(sys.argv[4], sys.argv[5])
            if mode == "tls":
                # By hand, in memory: what the client thinks of the certificate is not heard, its connection stays.
                incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
                tls = context.wrap_bio(incoming, outgoing, server_side=True)
                incoming.write(await reader.read(65536))
                try:
                    tls.do_handshake()
                except ssl.SSLError:
                    pass
                writer.write(outgoing.read())
                await writer.drain()
                await stall(reader)
            await writer.start_tls(context)
        elif word == b"DATA":
            data = True
            writer.write(b"354 go\r\n")
        else:
            writer.write(b"250 ok\r\n")
        await writer.drain()
    await stall(reader)  # it has ended the connection by itself


async def serve(one, reader, writer):
    try:
        await one(reader, writer)
    except (ConnectionError, OSError, ssl.SSLError, asyncio.IncompleteReadError):
        pass


async def main():
    servers = [await asyncio.start_server(lambda r, w, one=one: serve(one, r, w), "127.0.0.1", 0) for one in (bad, good)]
    with open(ports_file + ".new", "w") as f:
        f.write(" ".join(str(s.sockets[0].getsockname()[1]) for s in servers))
    os.rename(ports_file + ".new", ports_file)
    if mode == "name":
        while not os.path.exists("asked"):
            await asyncio.sleep(0.05)
        await stall(None)
    await asyncio.sleep(3600)


asyncio.run(main())

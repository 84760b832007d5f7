#!/usr/bin/env python3
"""An SMTP server of the tests' own: one that treats destinations differently, or that does what no server should.

  smtp_server.py PORTFILE STATSFILE MODE

MODE
  plain           takes everything; domains of recipients say more:
                    slow.*    a second until the answer to the dot
                    busy.*    451 4.3.2 to the first three RCPT
                    throttle.* 450 4.7.28 to RCPT, always
                    grey.*    450 4.7.1 to RCPT, always
  gather:N        answers no dot before the file `release` is there; when N sessions wait so, it makes the file `gathered`
  others          see HOSTILE below: each is one fault, at one place

It listens on a free port of 127.0.0.1, writes it into PORTFILE, and on SIGTERM writes what it saw into STATSFILE as lines:
`DOMAIN taken N refused N most N` (most: transactions at a time), and `connections N`."""
import asyncio
import os
import signal
import sys

port_file, stats_file, mode = sys.argv[1:4]
domains = {}
connections = 0


class Domain:
    taken = refused = now = most = 0

    def begin(self):
        self.now += 1
        self.most = max(self.most, self.now)

    def end(self):
        self.now -= 1


def domain_of(line):
    name = line.split(b"@")[-1].split(b">")[0].decode().lower()
    return name, domains.setdefault(name, Domain())


async def say(writer, text):
    writer.write(text.encode() + b"\r\n")
    await writer.drain()


async def flood(writer, piece, count):
    for _ in range(count):
        writer.write(piece)
        await writer.drain()


# A fault: what is said at a place instead of the answer. Places: connect, ehlo, mail, rcpt, data, dot, starttls.
async def endless_line(reader, writer):
    await flood(writer, b"2" * 65536, 1 << 30)


async def endless_reply(reader, writer):
    await flood(writer, b"250-more\r\n" * 1000, 1 << 30)


async def long_line(reader, writer):
    writer.write(b"250 " + b"x" * 10000 + b"\r\n")


async def much(reader, writer):
    await flood(writer, b"220-" + b"y" * 508 + b"\r\n", 200000)
    writer.write(b"220 there\r\n")


async def nuls(reader, writer):
    writer.write(b"250 \0\0\0 fine\0\r\n")


async def nul_code(reader, writer):
    writer.write(b"2\0000 fine\r\n")


async def code_999(reader, writer):
    writer.write(b"999 beyond\r\n")


async def code_000(reader, writer):
    writer.write(b"000 below\r\n")


async def megabyte(reader, writer):
    writer.write(bytes(i * 7919 >> 5 & 255 for i in range(1 << 20)))
    await writer.drain()
    await silence(reader, writer)


async def silence(reader, writer):
    await asyncio.sleep(3600)


async def trickle(reader, writer):
    for byte in b"250-still\r\n" * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.2)


async def goodbye(reader, writer):
    writer.close()


async def reset(reader, writer):
    writer.transport.abort()


async def farewell(reader, writer):
    writer.write(b"421 4.3.2 going down\r\n")
    writer.close()


async def changed_code(reader, writer):
    writer.write(b"250-one\r\n550 two\r\n")


async def two_answers(reader, writer):
    writer.write(b"250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 taken\r\n250 2.0.0 taken\r\n")


async def http(reader, writer):
    writer.write(b"HTTP/1.1 400 Bad Request\r\nServer: x\r\n\r\n<html>\r\n")


# Behind STARTTLS: words of somebody else in the clear (CVE-2011-0411 seen from the client).
async def injected(reader, writer):
    writer.write(b"220 go ahead\r\n250-injected\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n250 2.0.0 taken\r\n")
    await asyncio.sleep(3600)


async def stalls(reader, writer):
    writer.write(b"220 go ahead\r\n")
    await asyncio.sleep(3600)


async def garbage(reader, writer):
    writer.write(b"220 go ahead\r\n")
    await writer.drain()
    await reader.read(1000)
    writer.write(b"\x16\x03\x03\xff\xff" + b"z" * 70000)


async def slow(reader, writer):
    await asyncio.sleep(1)
    writer.write(b"250 2.0.0 taken\r\n")


FAULTS = {f.__name__: f for f in (endless_line, endless_reply, long_line, much, nuls, nul_code, code_999, code_000, silence, trickle,
                                  goodbye, reset, farewell, megabyte, changed_code, two_answers, http, injected, stalls, garbage, slow)}
place, _, fault = mode.partition(":")
waiting = 0


async def gather():
    global waiting
    waiting += 1
    if waiting == int(fault):
        open("gathered", "w").close()
    while not os.path.exists("release"):
        await asyncio.sleep(0.02)


async def at(where, reader, writer):
    """True when the fault was done here: nothing more is said by the caller."""
    if place != where:
        return False
    if fault[:1].isdigit():
        await say(writer, fault.replace("_", " "))
    else:
        await FAULTS[fault](reader, writer)
        await writer.drain()
    return True


async def rcpt(reader, writer, line):
    """None when the recipient was refused."""
    name, d = domain_of(line)
    if name.startswith("throttle.") or name.startswith("grey."):
        d.refused += 1
        await say(writer, "450 4.7.28 too much from you" if name[0] == "t" else "450 4.7.1 greylisted, come again")
        return None
    if name.startswith("busy.") and d.refused < 3:
        d.refused += 1
        await say(writer, "451 4.3.2 takes no mail now")
        return None
    await say(writer, "250 2.1.5 ok")
    d.begin()
    return name, d


async def converse(reader, writer):
    if not await at("connect", reader, writer):
        await say(writer, "220 test ESMTP")
    to = None
    while True:
        line = await reader.readline()
        if not line:
            break
        word = line[:4].upper()
        if word in (b"EHLO", b"HELO"):
            if await at("ehlo", reader, writer):
                continue
            tls = place == "starttls"
            await say(writer, "250-test\r\n" + ("250-STARTTLS\r\n" if tls else "") + "250-PIPELINING\r\n250 ENHANCEDSTATUSCODES")
        elif word == b"STAR":
            await at("starttls", reader, writer)
        elif word == b"MAIL":
            if not await at("mail", reader, writer):
                await say(writer, "250 2.1.0 ok")
        elif word == b"RCPT":
            if not await at("rcpt", reader, writer):
                to = await rcpt(reader, writer, line)
            elif not fault[:1] == "4" and not fault[:1] == "5":
                to = None
        elif word == b"DATA":
            if await at("data", reader, writer):
                continue
            if not to:
                await say(writer, "503 5.5.1 no recipient")
                continue
            await say(writer, "354 go")
            while (await reader.readline()) not in (b".\r\n", b""):
                pass
            name, d = to
            if name.startswith("slow."):
                await asyncio.sleep(1)
            if place == "gather":
                await gather()
            d.end()
            to = None
            if await at("dot", reader, writer):
                continue
            d.taken += 1
            await say(writer, "250 2.0.0 taken")
        elif word == b"QUIT":
            await say(writer, "221 2.0.0 bye")
            break
        else:
            await say(writer, "250 2.0.0 ok")
    if to:
        to[1].end()


async def serve(reader, writer):
    global connections
    connections += 1
    try:
        await converse(reader, writer)
    except (ConnectionError, OSError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 20)
    with open(port_file + ".new", "w") as f:
        f.write(str(server.sockets[0].getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    await stop.wait()
    with open(stats_file, "w") as f:
        for name, d in sorted(domains.items()):
            f.write(f"{name} taken {d.taken} refused {d.refused} most {d.most}\n")
        f.write(f"connections {connections}\n")
    os._exit(0)


asyncio.run(main())

#!/usr/bin/env python3
"""A wire with a delay: delay_proxy.py PORTFILE PORT MILLISECONDS. Listens on a free port of 127.0.0.1, written into PORTFILE, and hands
bytes to PORT and back, each direction half of the round trip late, however many follow one another."""
import asyncio
import os
import sys

port_file, port, delay = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 2000


async def carry(reader, writer):
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def deliver():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)

    task = asyncio.create_task(deliver())
    data = b"x"
    while data:
        try:
            data = await reader.read(65536)
        except OSError:
            data = b""
        await queue.put((loop.time() + delay, data))
    await task


async def serve(reader, writer):
    there_reader, there_writer = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(carry(reader, there_writer), carry(there_reader, writer), return_exceptions=True)


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    with open(port_file + ".new", "w") as f:
        f.write(str(server.sockets[0].getsockname()[1]))
    os.rename(port_file + ".new", port_file)
    await server.serve_forever()


asyncio.run(main())

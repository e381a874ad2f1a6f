"""Mail sink: an SMTP server that keeps each message as a file and sends nothing.

Run by the kit as ``python -m dev.mail_sink <folder> <port>`` (port 0: any free
one). How it answers can be changed while it runs, with a word in the file
``mode``: ``ok`` · ``421`` · ``451`` · ``550`` refuse the message · ``cut`` closes
the connection without an answer · ``lost`` stores the message, then cuts.
"""

import asyncio
import email
import signal
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP

REFUSALS = {
    "421": "421 4.3.2 Service shutting down",
    "451": "451 4.3.0 Try again later",
    "550": "550 5.1.1 No such mailbox",
}


class Keeper:
    """Stores each message, then answers; the index line is written before 250."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.count = len(list(self.folder.glob("*.eml")))

    async def handle_DATA(self, server, session, envelope):
        """Store or refuse one message as the mode says."""
        mode = self.mode()
        if mode in REFUSALS:
            return REFUSALS[mode]
        if mode != "cut":
            self.store(envelope)
        if mode in ("cut", "lost"):
            server.transport.abort()
        return "250 Kept"

    def mode(self):
        """Return how messages are answered now."""
        try:
            return (self.folder / "mode").read_text().strip()
        except OSError:
            return "ok"

    def store(self, envelope):
        """Write the message and one line of index."""
        self.count += 1
        name = f"{self.count:05d}.eml"
        (self.folder / name).write_bytes(envelope.content)
        message = email.message_from_bytes(envelope.content)
        fields = [
            time.strftime("%Y-%m-%dT%H:%M:%S"),
            name,
            ",".join(envelope.rcpt_tos),
            message.get("Message-ID", ""),
            message.get("X-Credit-Key", ""),
        ]
        line = "\t".join(" ".join(field.split()) for field in fields)
        with open(self.folder / "index.log", "a") as index:
            index.write(line + "\n")


async def serve(folder, port):
    """Listen until asked to stop; the port is written to the file `port`."""
    keeper = Keeper(folder)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(keeper, hostname="mail.sink.test", enable_SMTPUTF8=True),
        "127.0.0.1",
        port,
    )
    number = server.sockets[0].getsockname()[1]
    (keeper.folder / "port").write_text(str(number))
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    await stopped.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))

"""Mail sink: an SMTP server that keeps each message as a file and sends nothing.

Run by the kit as ``python -m dev.mail_sink <folder> <port>`` (port 0: any free
one). How it answers can be changed while it runs, with a word in the file
``mode``:

- ``ok``, or no file: accepts
- ``421`` refuses the greeting · ``451``, ``550`` refuse every recipient
- ``451-data``, ``550-data`` refuse the message after it was received
- ``bad:<pattern>`` refuses with 550 the recipients the pattern is found in
- ``cut`` closes the connection instead of answering the message, nothing is kept
- ``lost`` keeps the message, then closes the connection without an answer
- ``hang`` never answers the message, nothing is kept · ``stall`` keeps it first
- ``slow:<seconds>`` answers each message that much later
"""

import asyncio
import email
import os
import re
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP

REFUSALS = {
    "421": "421 4.3.2 Service shutting down",
    "451": "451 4.3.0 Try again later",
    "550": "550 5.1.1 No such mailbox",
}
FOR_EVER = 3600


class Keeper:
    """Stores each message, then answers; the index line is on disk before 250."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.count = len(list(self.folder.glob("*.eml")))

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        """Greet, or say that the service is closing."""
        session.host_name = hostname
        return [REFUSALS["421"]] if self.mode()[0] == "421" else responses

    async def handle_HELO(self, server, session, envelope, hostname):
        """Greet old-fashioned clients the same way."""
        session.host_name = hostname
        return REFUSALS["421"] if self.mode()[0] == "421" else f"250 {server.hostname}"

    async def handle_RCPT(self, server, session, envelope, address, options):
        """Accept or refuse one recipient."""
        mode, detail = self.mode()
        if mode in ("451", "550"):
            return REFUSALS[mode]
        if mode == "bad" and re.search(detail, address):
            return REFUSALS["550"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        """Store or refuse one message as the mode says."""
        mode, detail = self.mode()
        if mode in ("451-data", "550-data"):
            return REFUSALS[mode[:3]]
        if mode == "slow":
            await asyncio.sleep(float(detail))
        if mode not in ("cut", "hang"):
            self.store(envelope)
        if mode in ("hang", "stall"):
            await asyncio.sleep(FOR_EVER)
        if mode in ("cut", "lost"):
            server.transport.abort()
        return "250 Kept"

    def mode(self):
        """Return how messages are answered now, and what goes with it."""
        try:
            word, _colon, detail = (self.folder / "mode").read_text().partition(":")
        except OSError:
            return "ok", ""
        return word.strip() or "ok", detail.strip()

    def store(self, envelope):
        """Write the message and one line of index."""
        self.count += 1
        name = f"{self.count:05d}.eml"
        (self.folder / name).write_bytes(envelope.content)
        message = email.message_from_bytes(envelope.content)
        fields = [
            datetime.now(UTC).isoformat(timespec="milliseconds"),
            name,
            ",".join(envelope.rcpt_tos),
            message.get("Message-ID", ""),
            message.get("X-Credit-Key", ""),
        ]
        line = "\t".join(" ".join(field.split()) for field in fields)
        with open(self.folder / "index.log", "a") as index:
            index.write(line + "\n")
            index.flush()
            os.fsync(index.fileno())


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

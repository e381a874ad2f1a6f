"""A small SMS service that speaks the host's protocol: JSON-RPC over real HTTP.

It takes what ``/api/sms/3/send`` is sent, keeps it in ``taken``, and answers as told:

- a state of the service, ``success``, ``insufficient_credit``, …, for each SMS
- ``no_credit`` refuses the whole call, as the platform does
- ``busy`` and ``broken`` answer 503 and 500, the latter having taken the SMS
- ``cut`` takes the SMS and hangs up before the answer
"""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class SmsService:
    """Listens on a loopback port of its own until it is closed."""

    def __init__(self):
        self.answer = "success"
        self.calls = []  # the parameters of each call that was understood
        self.taken = []  # (number, text, key) of each SMS that a telephone gets
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                service._serve(self)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )
        self._thread.start()

    def close(self):
        """Hang up for good: nobody answers at this address any more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _serve(self, handler):
        request = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        params = request["params"]
        assert request["jsonrpc"] == "2.0" and request["method"] == "call"
        assert handler.path == "/api/sms/3/send"
        assert params["account_token"] and params["dbuuid"] and params["webhook_url"]
        self.calls.append(params)
        sms = [
            (one["number"], message["content"], one["uuid"])
            for message in params["messages"]
            for one in message["numbers"]
        ]
        if self.answer in ("success", "processing", "broken", "cut"):
            self.taken += sms
        if self.answer == "cut":
            handler.connection.shutdown(socket.SHUT_RDWR)
        elif self.answer in ("busy", "broken"):
            handler.send_error(503 if self.answer == "busy" else 500)
        else:
            self._reply(handler, request["id"], self._say(sms))

    def _say(self, sms):
        if self.answer == "no_credit":
            name = "odoo.addons.iap.tools.iap_tools.InsufficientCreditError"
            data = {"name": name, "message": '{"body": "No credit"}'}
            return {
                "error": {"code": 200, "message": "Odoo Server Error", "data": data}
            }
        return {"result": [{"uuid": uuid, "state": self.answer} for *_x, uuid in sms]}

    def _reply(self, handler, call_id, said):
        body = json.dumps({"jsonrpc": "2.0", "id": call_id} | said).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

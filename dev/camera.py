"""Takes the pictures of the table `shots.py` with a real browser.

Run by `make pictures` in an environment of its own as ``python -m dev.camera``; what it
needs to know comes as JSON on its standard input. It logs in by the form, waits until a
screen is ready, and makes the picture small.
"""

import base64
import email
import email.policy
import html
import io
import json
import re
import sys
import tempfile
from pathlib import Path

import pypdfium2
from PIL import Image
from playwright.sync_api import Error, sync_playwright

from .shots import NARROW, SHOTS, WIDE

MOST_BYTES = 150_000
MOST_BYTES_IN_ALL = 4_000_000
SIZES = {WIDE: (1400, 900), NARROW: (390, 844)}
TALLEST = {WIDE: 1600, NARROW: 2000}
PAPER_WIDTH = 900
PATIENCE = 30_000  # milliseconds

# Nothing turns, blocks or loads any more, and all pictures and fonts are there.
READY = """() => {
    const busy = '.o_loading_indicator, .o_blockUI, .o_view_sample_data .fa-spin';
    return document.readyState === 'complete'
        && document.fonts.status === 'loaded'
        && !document.querySelector(busy)
        && [...document.images].every((image) => image.complete);
}"""
# How high the window must be for nothing to scroll.
HEIGHT = """() => {
    const hidden = [...document.querySelectorAll('*')].map((element) => {
        const scrolls = /auto|scroll/.test(getComputedStyle(element).overflowY);
        const more = element.scrollHeight - element.clientHeight;
        return scrolls && element.clientHeight > 200 ? more : 0;
    });
    const page = document.documentElement.scrollHeight;
    return Math.max(page, window.innerHeight + Math.max(0, ...hidden));
}"""
CHOOSE_LANGUAGE = """async (lang) => {
    const ask = async (route, params) => {
        const answer = await fetch(route, {
            method: 'POST',
            headers: {'Content-Type': 'application/json'},
            body: JSON.stringify({jsonrpc: '2.0', params}),
        });
        const {result, error} = await answer.json();
        if (error) { throw new Error(error.data.message); }
        return result;
    };
    const {uid} = await ask('/web/session/get_session_info', {});
    const args = [[uid], {lang}];
    const params = {model: 'res.users', method: 'write', args, kwargs: {}};
    await ask('/web/dataset/call_kw/res.users/write', params);
}"""
MAIL = """<!doctype html><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { margin: 0; background: #eceff1; font-family: sans-serif; }
main { max-width: 760px; margin: 0 auto; background: #fff; }
header { padding: 12px 16px; border-bottom: 1px solid #cfd8dc; font-size: 14px; }
header th { text-align: left; color: #607d8b; padding-right: 12px; }
header th { font-weight: normal; }
header th, header td { vertical-align: top; }
header span { display: inline-block; margin: 8px 8px 0 0; padding: 3px 8px; }
header span { background: #eceff1; border-radius: 4px; font-size: 12px; }
section { padding: 16px; overflow-x: auto; }
</style>
<main><header><table>%(head)s</table>%(files)s</header>
<section>%(text)s</section></main>"""


class Camera:
    """One browser, with a window for each login, language and width."""

    def __init__(self, browser, order):
        self.browser = browser
        self.address = order["address"]
        self.mails = Path(order["mails"])
        self.records = order["records"]
        self.target = Path(order["target"])
        self.windows = {}
        self.languages = {}

    # === WINDOWS === #

    def window(self, login, lang, width, company):
        """Return a page of somebody who is logged in and reads that language."""
        key = (login, width)
        if key not in self.windows:
            across, high = SIZES[width]
            context = self.browser.new_context(
                viewport={"width": across, "height": high},
                device_scale_factor=1,
                is_mobile=width == NARROW,
                has_touch=width == NARROW,
                locale=lang.replace("_", "-"),
                reduced_motion="reduce",
            )
            context.set_default_timeout(PATIENCE)
            self.windows[key] = context.new_page()
            if login:
                self.log_in(self.windows[key], login)
        page = self.windows[key]
        page.set_viewport_size(
            dict(zip(("width", "height"), SIZES[width], strict=True))
        )
        if login and self.languages.get(login) != lang:
            page.evaluate(CHOOSE_LANGUAGE, lang)
            self.languages[login] = lang
        if login:
            ids = "-".join(str(self.records[name]) for name in company.split("-"))
            page.context.add_cookies(
                [{"name": "cids", "value": ids, "url": self.address}]
            )
        return page

    def log_in(self, page, login):
        """Log in by the form."""
        page.goto(f"{self.address}/web/login")
        page.fill("input[name=login]", login)
        page.fill("input[name=password]", login)
        page.click("button[type=submit]")
        page.wait_for_url(re.compile(r"/(odoo|my)"))

    def settle(self, page):
        """Wait until the screen is ready."""
        page.wait_for_load_state("load")
        page.wait_for_timeout(300)
        page.wait_for_function(READY)
        page.wait_for_timeout(400)
        page.wait_for_function(READY)

    # === SHOTS === #

    def take(self, shot, width):
        """Return the picture of one screen, mail or PDF as PNG."""
        kind, _colon, what = shot.where.format(**self.records).partition(":")
        if kind == "pdf":
            return self.take_pdf(shot, what)
        if kind == "mail":
            page = self.window("", shot.lang, width, shot.company)
            page.goto("about:blank")  # the page before may be going on by itself
            page.set_content(self.read_mail(what))
        else:
            page = self.window(shot.login, shot.lang, width, shot.company)
            page.goto(f"{self.address}/{kind}")
            if shot.there:
                page.wait_for_selector(shot.there)
        self.settle(page)
        for step in shot.steps:
            self.do(page, *step)
        if shot.tall:
            high = max(SIZES[width][1], min(TALLEST[width], page.evaluate(HEIGHT)))
            page.set_viewport_size({"width": SIZES[width][0], "height": high})
            self.settle(page)
        return page.screenshot()

    def do(self, page, verb, *words):
        """Do one step: button, click, fill, press, wait or scroll."""
        if verb == "button":
            button = page.locator(words[0]).first
            if not button.is_visible():  # on a telephone they are in a menu
                page.locator(".o_statusbar_buttons .dropdown-toggle").first.click()
            button.click()
        elif verb == "click":
            page.locator(words[0]).first.click()
        elif verb == "fill":
            page.locator(words[0]).first.fill(words[1])
        elif verb == "press":
            page.keyboard.press(words[0])
        elif verb == "wait":
            page.wait_for_selector(words[0])
        elif verb == "scroll":
            page.locator(words[0]).first.scroll_into_view_if_needed()
        else:
            raise ValueError(f"unknown step {verb}")
        self.settle(page)

    def take_pdf(self, shot, what):
        """Return the first page of a PDF that the server makes."""
        page = self.window(shot.login, shot.lang, WIDE, shot.company)
        answer = page.request.get(f"{self.address}/{what}", timeout=2 * PATIENCE)
        if "pdf" not in answer.headers.get("content-type", ""):
            raise ValueError(f"no PDF: {answer.status}")
        sheet = pypdfium2.PdfDocument(answer.body())[0]
        picture = sheet.render(scale=PAPER_WIDTH / sheet.get_width()).to_pil()
        output = io.BytesIO()
        picture.save(output, "PNG")
        return output.getvalue()

    # === MAILS === #

    def read_mail(self, key):
        """Return a mail of the sink as a mail program would show it."""
        for path in sorted(self.mails.glob("*.eml"), reverse=True):
            message = email.message_from_bytes(
                path.read_bytes(), policy=email.policy.default
            )
            if key and message["X-Credit-Key"] == key:
                return show_mail(message)
        raise ValueError("no such mail in the sink")


def show_mail(message):
    """Return a page with the head, the text and the attachments of a mail."""
    body = message.get_body(("html",))
    text = body.get_content() if body else ""
    for part in message.walk():
        name = (part["Content-ID"] or "").strip("<>")
        if name:
            data = base64.b64encode(part.get_payload(decode=True)).decode()
            text = text.replace(
                f"cid:{name}", f"data:{part.get_content_type()};base64,{data}"
            )
    rows = "".join(
        f"<tr><th>{name}</th><td>{html.escape(str(message[name] or ''))}</td></tr>"
        for name in ("From", "To", "Subject")
    )
    files = "".join(
        f"<span>{html.escape(part.get_filename() or '')}</span>"
        for part in message.iter_attachments()
        if part.get_filename() and not part["Content-ID"]
    )
    return MAIL % {"head": rows, "files": files, "text": text}


# === PICTURES === #


def shrink(data):
    """Return a PNG with fewer colours, as many as fit into its share of bytes."""
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    for colours in (128, 96, 64, 40, 24):
        output = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(
            output, "PNG", optimize=True
        )
        if output.tell() <= MOST_BYTES:
            break
    return output.getvalue()


def main(order):
    """Take the pictures of the table; return how many could not be taken."""
    trouble = 0
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as home:
        browser = playwright.chromium.launch(
            executable_path=order["browser"],
            args=["--no-sandbox", "--font-render-hinting=none"],
            env={"HOME": home},
        )
        camera = Camera(browser, order)
        for shot in SHOTS:
            if order["only"] and shot.name not in order["only"]:
                continue
            for width in shot.widths:
                try:
                    data = shrink(camera.take(shot, width))
                except (Error, ValueError, KeyError) as error:
                    trouble += 1
                    print(
                        f"   note    {shot.name}, {width}: {str(error).splitlines()[0]}"
                    )
                    continue
                path = camera.target / shot.file(width)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(data)
                print(
                    f"           {len(data) // 1024:4d} kB  {shot.file(width)}",
                    flush=True,
                )
        browser.close()
    report_size(camera.target)
    return trouble


def report_size(folder):
    """Say how heavy the pictures are, and which ones are of no table any more."""
    known = {shot.file(width) for shot in SHOTS for width in shot.widths}
    files = [path for path in folder.rglob("*.png") if path.name != "icon.png"]
    for path in sorted(files):
        if str(path.relative_to(folder)) not in known:
            print(f"   note    not in the table: {path.relative_to(folder)}")
    heavy = sum(path.stat().st_size for path in files)
    if heavy > MOST_BYTES_IN_ALL:
        print(f"   note    {heavy / 1e6:.1f} MB in all are too many")
    print(f"           {len(files)} pictures, {heavy / 1e6:.1f} MB")


if __name__ == "__main__":
    sys.exit(1 if main(json.load(sys.stdin)) else 0)

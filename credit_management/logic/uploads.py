"""Which files a customer may send with a dispute: told by what is in them.

Names are claims; the first bytes decide. What is taken is given an ending of its own
kind, and is only ever handed out as a file to save, never as a page.
"""

import unicodedata

LARGEST_BYTES = 5 * 1024 * 1024
LONGEST_NAME = 80
MOST_FILES = 5

PDF, PNG, JPEG, TEXT = (
    "application/pdf",
    "image/png",
    "image/jpeg",
    "text/plain",
)
ENDINGS = {PDF: "pdf", PNG: "png", JPEG: "jpg", TEXT: "txt"}
SIGNATURES = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
)
# Control characters that stand in plain text.
LAYOUT = "\t\n\r\f"
# What begins like this is read as markup by programs that do not mind the ending.
MARKUP = ("<", "\ufeff<")


def find_type(content: bytes) -> str | None:
    """Return what kind of file this is, or ``None`` for one that is not taken.

    >>> find_type(b"%PDF-1.7 ..."), find_type(b"Two boxes were wet.")
    ('application/pdf', 'text/plain')
    >>> find_type(b"<html>"), find_type(b" <svg/>"), find_type(b"MZ\\x00")
    (None, None, None)
    """
    for signature, kind in SIGNATURES:
        if content.startswith(signature):
            return kind
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    is_plain = all(sign in LAYOUT or ord(sign) >= 32 for sign in text)
    is_markup = text.lstrip().startswith(MARKUP)
    return TEXT if text.strip() and is_plain and not is_markup else None


def clean_name(name: str, kind: str) -> str:
    """Return a name that is safe to show and to save, with the ending of its kind.

    >>> clean_name("../../photo of box.PNG", PNG)
    'photo of box.png'
    >>> clean_name("invoice\\u202efdp.exe", PDF), clean_name("", TEXT)
    ('invoicefdp.pdf', 'file.txt')
    """
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    signs = (
        sign
        for sign in unicodedata.normalize("NFC", last)
        if unicodedata.category(sign)[0] in "LNPSZM" and sign not in "\"'<>|:*?;%`"
    )
    stem = " ".join("".join(signs).split()).rsplit(".", 1)[0].strip(". ")
    return f"{stem[:LONGEST_NAME] or 'file'}.{ENDINGS[kind]}"


def clean_text(text: str, longest: int) -> str:
    """Return what somebody typed as plain text: no control signs, no endless lines.

    >>> clean_text("  Two\\x00 boxes\\r\\nwere \\u202ewet. ", 100)
    'Two boxes\\nwere wet.'
    """
    lines = text[: 2 * longest].replace("\r\n", "\n").replace("\r", "\n")
    signs = (
        sign
        for sign in lines
        if sign in "\n\t" or unicodedata.category(sign)[0] in "LNPSZM"
    )
    return "".join(signs).strip()[:longest].strip()

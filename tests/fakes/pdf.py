"""A minimal PDF with text."""

import re


def a_pdf(*lines: str) -> bytes:
    """Return a PDF of one page with these lines."""
    operators = " T* ".join(f"({line}) Tj" for line in lines)
    return a_painted_pdf(f"BT /F1 12 Tf 14 TL 72 720 Td {operators} ET")


def a_painted_pdf(operators: str, shadings: str = "") -> bytes:
    """Return a PDF of one page with these operators. Its font is F1.

    `shadings` are the entries of its shadings' dictionary; each is also the shading of a pattern of its name.
    """
    content = operators.encode("latin-1")
    patterns = re.sub(r"(/\w+) (<<.*?>> >>)", r"\1 << /PatternType 2 /Shading \2 >>", shadings)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> /Shading << %s >> /Pattern << %s >> >> >>"
        % (shadings.encode(), patterns.encode()),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    document, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in offsets)
    trailer = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(document)
    return document + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer

"""The loss curve as a picture."""


def svg(log):
    """`log`: (step, tokens, seconds, answer loss, share right, ...), in order."""
    width, height, margin = 720, 300, 44
    tokens = log[-1][1] or 1
    window = max(1, len(log) // 200)
    points = []
    for i in range(0, len(log), window):
        rows = log[i : i + window]
        points.append((rows[-1][1], sum(r[3] for r in rows) / len(rows), sum(r[4] for r in rows) / len(rows)))
    top = max(p[1] for p in points) or 1

    def line(index, scale, colour):
        at = " ".join(f"{margin + p[0] / tokens * (width - 2 * margin):.1f},"
                      f"{height - margin - p[index] / scale * (height - 2 * margin):.1f}" for p in points)
        return f'<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{at}"/>'

    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n'
            f'<path d="M{margin} {margin}V{height - margin}H{width - margin}V{margin}" fill="none" stroke="#888"/>\n'
            f'{line(1, top, "#b03030")}\n{line(2, 1.0, "#3060b0")}\n'
            f'<text x="{margin}" y="{margin - 8}" fill="#b03030">loss of answer tokens (0 to {top:.1f})</text>\n'
            f'<text x="{width - margin}" y="{margin - 8}" fill="#3060b0" text-anchor="end">answer tokens predicted rightly (0 to 1)</text>\n'
            f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">training tokens (to {tokens / 1e6:.1f} million)</text>\n</svg>\n')

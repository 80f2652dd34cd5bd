"""A line chart as SVG, without a library."""


def svg(points, title, width=720, height=320):
    """`points`: (step, value), smoothed over about a hundredth of them."""
    near = max(1, len(points) // 100)
    values = [sum(v for _, v in points[max(0, i - near):i + 1]) / len(points[max(0, i - near):i + 1]) for i in range(len(points))]
    low, high = min(values), max(max(values), min(values) + 1e-6)
    last = max(points[-1][0], 1)
    left, top, right, bottom = 60, 34, width - 16, height - 36
    x = lambda step: left + (right - left) * step / last
    y = lambda value: bottom - (bottom - top) * (value - low) / (high - low)
    stride = max(1, len(points) // 600)
    line = " ".join(f"{x(points[i][0]):.1f},{y(values[i]):.1f}" for i in range(0, len(points), stride))
    marks = "".join(
        f'<line x1="{left}" x2="{right}" y1="{y(v):.1f}" y2="{y(v):.1f}" stroke="#ddd"/>'
        f'<text x="{left - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:.2f}</text>' for v in (low + (high - low) * k / 4 for k in range(5)))
    steps = "".join(f'<text x="{x(last * k / 4):.1f}" y="{bottom + 18}" text-anchor="middle">{int(last * k / 4)}</text>' for k in range(5))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
            f'<rect width="{width}" height="{height}" fill="#fff"/><text x="{left}" y="20" font-size="14">{title}</text>{marks}{steps}'
            f'<polyline points="{line}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/></svg>\n')

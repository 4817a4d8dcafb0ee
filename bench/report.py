"""A bench's results as a table for the terminal, as a plot and as JSON."""

import html
import json


def table(result):
    """Text: one line for each metric of each row."""
    facts = result["facts"]
    cpu = facts["processor"]
    lines = [
        f"{result['bench']}: {facts['pomona']} at {facts['commit']} beside {facts['peer']}",
        f"{cpu['name']} ({cpu['family_model']}), {cpu['cores']} cores, "
        f"isa {', '.join(sorted({i for row in result['rows'] for i in row['isa']}))}, {facts['time']}",
        "",
        f"{'':34} {'Pomona':>9} {'peer':>9} {'ratio':>7} {'quartiles':>13} {'bar':>5} {'roof':>6}  n",
    ]
    for row in result["rows"]:
        for metric in row["metrics"]:
            lines.append(_line(row, metric))
        if row["discarded"]:
            lines.append(f"    discarded of {len(row['tuples'])}: {_counted(row['discarded'])}")
    return "\n".join(lines) + "\n"


def _line(row, metric):
    label = f"{metric['name']}, {row['label']}"
    if not metric["n"]:
        return f"{label:34} no tuple was admitted"
    low, middle, high = metric["ratio"]
    share = f"{metric['pomona'][1] / metric['roof'][1]:.0%}" if "roof" in metric else ""
    bar = "" if metric["bar"] is None else f"{metric['bar']:.1f}"
    mark = {True: "  ok", False: "  MISSED", None: ""}[metric["kept"]]
    return (f"{label:34} {metric['pomona'][1]:9.1f} {metric['peer'][1]:9.1f} {middle:7.2f} "
            f"{low:6.2f}-{high:<6.2f} {bar:>5} {share:>6} {metric['n']:2}{mark}")  # fmt: skip


def _counted(reasons):
    kinds = {}
    for reason in reasons:
        kind = " ".join(reason.split()[:2])
        kinds[kind] = kinds.get(kind, 0) + 1
    return ", ".join(f"{kind} ({count})" for kind, count in kinds.items())


STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1d2b1f }
.small { font-size: 11px; fill: #5b6b5d } .bar { fill: #3c7d4e } .peer { fill: #b9c4ba }
.roof { stroke: #b3392f; stroke-width: 2 } .range { stroke: #1d2b1f } .back { fill: #fff }
@media (prefers-color-scheme: dark) {
 text { fill: #e3eae4 } .small { fill: #9aa89c } .bar { fill: #6abf80 } .peer { fill: #55635a }
 .roof { stroke: #ff7a6b } .range { stroke: #e3eae4 } .back { fill: #141a16 } }
"""
LEFT, PLOT, STEP = 250, 430, 46


def svg(result):
    """Bars of both programs with quartiles, and the roof as a line; one scale for each metric."""
    bars = [(row, m) for row in result["rows"] for m in row["metrics"] if m["n"]]
    bars.sort(key=lambda pair: pair[1]["name"])
    facts = result["facts"]
    height = 70 + STEP * len(bars) + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 {height}" role="img">',
        f"<style>{STYLE}</style>",
        f'<rect class="back" width="800" height="{height}"/>',
        f'<text x="16" y="26" font-weight="bold">{html.escape(result["bench"])}</text>',
        f'<text class="small" x="16" y="46">{html.escape(_subtitle(facts))}</text>',
    ]
    for i, (row, metric) in enumerate(bars):
        parts += _bars(row, metric, 66 + STEP * i, _scale(bars, metric["name"]))
    legend = "upper bar: Pomona, lower bar: peer, thin line: quartiles, upright line: roof"
    parts.append(f'<text class="small" x="16" y="{height - 12}">{legend}</text></svg>')
    return "\n".join(parts) + "\n"


def _subtitle(facts):
    return (f"{facts['processor']['name']}, {facts['processor']['cores']} cores; Pomona "
            f"{facts['commit']}; {facts['peer']}; {facts['time'][:10]}")  # fmt: skip


def _scale(bars, name):
    """Pixels per unit so that the longest bar or roof of this metric fills the plot."""
    same = [m for _, m in bars if m["name"] == name]
    return PLOT / max(max(m["pomona"][2], m["peer"][2], m.get("roof", (0, 0))[1]) for m in same)


def _bars(row, metric, y, scale):
    label = html.escape(f"{metric['name']}, {row['label']}")
    parts = [f'<text x="16" y="{y + 18}">{label}</text>']
    for kind, top in (("pomona", y + 2), ("peer", y + 17)):
        low, middle, high = (v * scale for v in metric[kind])
        look = "bar" if kind == "pomona" else "peer"
        parts.append(f'<rect class="{look}" x="{LEFT}" y="{top}" width="{middle:.1f}" height="13"/>')
        parts.append(f'<line class="range" x1="{LEFT + low:.1f}" x2="{LEFT + high:.1f}" '
                     f'y1="{top + 6.5}" y2="{top + 6.5}"/>')  # fmt: skip
    if "roof" in metric:
        x = LEFT + metric["roof"][1] * scale
        parts.append(f'<line class="roof" x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 32}"/>')
    parts.append(f'<text class="small" x="{LEFT + PLOT + 10}" y="{y + 14}">'
                 f"{metric['pomona'][1]:.4g} {html.escape(metric['unit'])}</text>")  # fmt: skip
    parts.append(f'<text class="small" x="{LEFT + PLOT + 10}" y="{y + 28}">'
                 f"{metric['ratio'][1]:.2f} x peer</text>")  # fmt: skip
    return parts


def write(result, folder):
    """NAME.json, NAME.svg and NAME.txt in `folder`; returns the table."""
    folder.mkdir(parents=True, exist_ok=True)
    name, text = result["bench"], table(result)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    (folder / f"{name}.svg").write_text(svg(result), encoding="utf-8")
    (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return text

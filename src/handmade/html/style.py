"""Style of the views. It stands in every view, because a notebook shows each of them alone.

All colours are mixed with the colour of the text around. So they are readable in light and dark notebooks, without asking which
of the two a notebook is.
"""

STYLE = """
.handmade.handmade{font:13px/1.5 system-ui,"DejaVu Sans",sans-serif;color:inherit;overflow-x:auto;text-align:left;
--rule:rgba(128,128,128,.35);--plus:#2b8cd6;--minus:#e07b10;max-width:100%;padding:2px 0}
.handmade.handmade .line{white-space:pre-wrap;overflow-wrap:anywhere}
.handmade.handmade b{font-weight:600}
.handmade.handmade table{border-collapse:collapse;border:0;margin:6px 0;color:inherit;width:auto;font-size:inherit;
font-variant-numeric:tabular-nums}
.handmade.handmade caption{caption-side:top;text-align:left;padding:0 0 2px;color:inherit;white-space:pre-wrap;font-weight:600}
.handmade.handmade table tbody tr,.handmade.handmade table thead tr{background:transparent;border:0}
.handmade.handmade table tr>th,.handmade.handmade table tr>td{padding:2px 14px 2px 0;border:0;text-align:left;vertical-align:top;
max-width:44em;overflow-wrap:anywhere;white-space:pre-wrap;color:inherit;background:none;line-height:1.4}
.handmade.handmade table tr>th{font-weight:600}
.handmade.handmade table>thead>tr>th{border-bottom:1px solid var(--rule);vertical-align:bottom;font-weight:500;opacity:.8}
.handmade.handmade table tr>.n{text-align:right;white-space:pre}
.handmade.handmade table.grid tr>td{padding:0 10px 0 0}
.handmade.handmade table.matrix tr>td,.handmade.handmade table.matrix tr>th{padding:1px 6px}
.handmade.handmade table.matrix tr>td.right{font-weight:700;outline:1px solid var(--rule);outline-offset:-1px}
.handmade.handmade .plus{color:#2b8cd6;color:color-mix(in srgb,currentColor 35%,var(--plus))}
.handmade.handmade .minus{color:#e07b10;color:color-mix(in srgb,currentColor 35%,var(--minus))}
.handmade.handmade .dim{opacity:.72}
.handmade.handmade .strong{font-weight:700}
.handmade.handmade .alarm{font-weight:700;border:1px solid currentColor;border-radius:3px;padding:0 4px}
.handmade.handmade details>*,.handmade.handmade .tree>.row{margin-left:1.2em}
.handmade.handmade summary{cursor:pointer;padding:1px 0;list-style:none;position:relative}
.handmade.handmade summary::-webkit-details-marker{display:none}
.handmade.handmade summary::before{content:"▸";position:absolute;left:-1.1em}
.handmade.handmade details[open]>summary::before{content:"▾"}
.handmade.handmade .tree{width:54em;max-width:100%}
.handmade.handmade .row{display:grid;padding:1px 0;
grid-template-columns:1fr 10em 18em;column-gap:14px;font-variant-numeric:tabular-nums}
.handmade.handmade .row>.n{text-align:right}
.handmade.handmade .row.total{border-top:1px solid var(--rule);font-weight:600}
.handmade.handmade .maps{display:flex;flex-wrap:wrap;gap:8px 18px;margin:6px 0;align-items:flex-end}
.handmade.handmade figure{margin:0}
.handmade.handmade figcaption{font-size:12px;max-width:22em}
.handmade.handmade img{image-rendering:pixelated;display:inline-block;
margin:0 3px 0 0;border:1px solid var(--rule);max-width:none}
.handmade.handmade svg{display:block;max-width:100%;height:auto;color:inherit}
.handmade.handmade svg text{fill:currentColor;font:11px system-ui,"DejaVu Sans",sans-serif}
.handmade.handmade progress{vertical-align:middle;width:16em;accent-color:var(--plus)}
""".strip()

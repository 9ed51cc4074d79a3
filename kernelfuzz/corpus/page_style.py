"""The style of the page of a corpus: one hue for data, in two strengths, and greys for everything else.

The two blues differ in lightness most of all: they stay apart for every kind of colour vision and in print.
"""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #ffffff; --line: #e4e4e0; --ink: #1b1d21; --soft: #5d636d; --track: #ecedef;
  --strong: #1f5fa8; --light: #8dbbe6; --mark: #1b1d21;
  --keyword: #7a3e9d; --name: #1f5fa8; --number: #9a4a00; --text: #2a6b3c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #131518; --card: #1a1d21; --line: #2c3036; --ink: #e8e9eb; --soft: #a0a7b1; --track: #282c32;
    --strong: #7db8f0; --light: #2f669f; --mark: #e8e9eb;
    --keyword: #cba4e6; --name: #8fc2f2; --number: #eab27a; --text: #96cfa4;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: clamp(25px, 4vw, 38px); line-height: 1.15; letter-spacing: -.02em; margin: 0 0 8px;
  max-width: 22em; }
h2 { font-size: 21px; letter-spacing: -.01em; margin: 56px 0 4px; }
h3 { font-size: 15px; margin: 0; }
p { margin: 0; max-width: 100ch; }
.soft, figcaption p, .note { color: var(--soft); }
h2 + p { margin-bottom: 16px; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 1px;
  margin: 28px 0 0;
  background: var(--line); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.tiles div { background: var(--card); padding: 16px 18px; }
.tiles dt { color: var(--soft); font-size: 13px; line-height: 1.35; }
.tiles dd { margin: 0 0 2px; font-size: 27px; font-weight: 600; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
.tiles div { display: flex; flex-direction: column-reverse; justify-content: flex-end; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 16px; }
.cards.one { grid-template-columns: minmax(0, 1fr); }
.cards.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); }
.stack { display: grid; gap: 16px; align-content: start; min-width: 0; }
.cards + .cards { margin-top: 16px; }
figure { margin: 0; min-width: 0; padding: 18px 20px 14px; background: var(--card);
  border: 1px solid var(--line); border-radius: 10px; display: flex; flex-direction: column; }
figcaption { margin-bottom: 14px; }
figcaption p { font-size: 13px; }
figure details { margin-top: auto; padding-top: 12px; font-size: 13px; }
summary { color: var(--soft); cursor: pointer; width: max-content; }
summary:hover { color: var(--ink); }
:focus-visible { outline: 2px solid var(--strong); outline-offset: 2px; border-radius: 3px; }
.scroll { overflow: auto; max-height: 360px; margin-top: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { text-align: right; padding: 3px 0 3px 14px; border-bottom: 1px solid var(--line); font-weight: 400;
  font-variant-numeric: tabular-nums; vertical-align: top; }
th:first-child { text-align: left; padding-left: 0; }
thead th { color: var(--soft); }
.bars { display: grid; grid-template-columns: var(--label, max-content) minmax(0, 1fr); column-gap: 10px;
  align-items: center;
   font-size: 13px; line-height: 1.25; }
.bars > span { text-align: right; }
.drift { grid-template-columns: max-content minmax(0, 1fr) max-content; }
.drift > b { font-weight: 400; text-align: right; font-variant-numeric: tabular-nums; }
.columns-of-bars { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr));
  gap: 0 36px; align-items: start; }
svg { display: block; overflow: visible; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  fill: var(--ink); font-variant-numeric: tabular-nums; }
svg text.soft { fill: var(--soft); }
.strong { fill: var(--strong); } .light { fill: var(--light); } .track { fill: var(--track); }
.grid { stroke: var(--line); } .axis { stroke: var(--soft); }
svg text.off { paint-order: stroke; stroke: var(--card); stroke-width: 6px; }
.mark { stroke: var(--mark); stroke-dasharray: 2 3; }
.span { stroke: var(--light); stroke-width: 3; }
.real { fill: var(--card); stroke: var(--soft); stroke-width: 2; }
.pair { padding: 18px 20px 20px; margin-top: 16px; }
.pair .columns { display: grid; grid-template-columns: minmax(0, 1fr); gap: 14px; }
@media (min-width: 900px) { .pair .columns { grid-template-columns: minmax(0, 5fr) minmax(0, 6fr); } }
.pair h4 { margin: 0 0 6px; font-size: 13px; font-weight: 600; }
.pair h4 span { font-weight: 400; color: var(--soft); }
pre { margin: 0; padding: 12px 14px; max-height: 420px; overflow: auto; background: var(--ground);
  border: 1px solid var(--line); border-radius: 6px; tab-size: 4;
  font: 12px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.k { color: var(--keyword); } .f { color: var(--name); }
.n { color: var(--number); } .s { color: var(--text); }
footer { margin-top: 56px; font-size: 13px; color: var(--soft); overflow-wrap: anywhere; }
@media (max-width: 600px) {
  main { padding: 24px 16px 40px; }
  figure, .pair { padding: 16px 14px 12px; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles div { padding: 12px 14px; }
  .tiles div:last-child:nth-child(odd) { grid-column: span 2; }
  .tiles dd { font-size: 23px; }
  h2 { margin-top: 44px; }
}
@media print { pre, .scroll { max-height: none; } figure { break-inside: avoid; } }
"""

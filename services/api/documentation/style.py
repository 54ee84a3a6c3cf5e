"""The page's style sheet; served by us, so that the page needs nothing else."""

STYLE = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --strong: #0a6; }
body { font: 16px/1.6 system-ui, "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif;
  max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .3rem; overflow-wrap: anywhere; }
code, .method { font-family: ui-monospace, monospace; font-size: .92em; }
.method { display: inline-block; min-width: 3.2em; color: var(--strong); font-weight: bold; }
nav ul { columns: 2; padding-left: 1.2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .4rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { background: var(--soft); font-weight: 600; }
details { margin: .5rem 0; border: 1px solid var(--line); border-radius: .3rem; padding: .3rem .7rem; }
summary { cursor: pointer; }
:focus-visible { outline: 2px solid var(--strong); }
@media (max-width: 40rem) { nav ul { columns: 1; } }
"""

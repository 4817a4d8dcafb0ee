// The style sheet of the pages (html.h): light and dark by the reader's setting, one column on a
// phone.
#pragma once
#include <string_view>

namespace pomona {

inline constexpr std::string_view kHtmlStyle = R"css(
:root{color-scheme:light dark;--page:#faf9f7;--card:#fff;--ink:#1d1c1a;--soft:#66625b;--line:#e3dfd8;
--bar:#6c8fb8;--base:#a9a49b;--good:#2f7d4f;--bad:#b4472e;--tint:#eef3ee;--tint-none:#f3f1ec}
@media(prefers-color-scheme:dark){:root{--page:#171614;--card:#211f1d;--ink:#ece9e4;--soft:#a39e95;--line:#3a3733;
--bar:#7fa6d6;--base:#7d786f;--good:#6fc38f;--bad:#ec8a6e;--tint:#1f2b23;--tint-none:#292724}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
"Noto Sans","Noto Sans CJK SC","PingFang SC",sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .3rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.4rem 0 .6rem}
p{margin:.4rem 0}
.soft,figcaption,small{color:var(--soft)}
small{font-size:.82rem}
.verdict{padding:1rem 1.2rem;border-radius:.7rem;border-left:.35rem solid var(--base);background:var(--tint-none);
margin:1.2rem 0}
.verdict.good{border-color:var(--good);background:var(--tint)}
.verdict strong{display:block;font-size:1.15rem;margin-bottom:.2rem}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:1rem}
.chart{margin:0;padding:.9rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:.7rem}
.chart figcaption{margin-bottom:.5rem;font-size:.9rem}
.row{display:grid;grid-template-columns:5.5rem 1fr 3rem;align-items:center;gap:.6rem}
.row svg{width:100%;height:1.9rem;display:block;overflow:visible}
.row line,.row rect{vector-effect:non-scaling-stroke}
.row .label{overflow-wrap:anywhere;font-size:.9rem;line-height:1.2}
.row .value{text-align:right;font-variant-numeric:tabular-nums}
.promoted .label,.promoted .value{font-weight:650}
.grid{stroke:var(--line);stroke-width:1}
.zero{stroke:var(--soft);stroke-width:1.5}
.bar{fill:var(--bar)}.base .bar{fill:var(--base)}.promoted .bar{fill:var(--good)}
.dot{stroke:var(--bar);stroke-width:11;stroke-linecap:round}.promoted .dot{stroke:var(--good)}
.interval{stroke:var(--ink);stroke-width:1.5}
.ticks{position:relative;height:1.3rem;font-size:.78rem;color:var(--soft)}
.ticks span{position:absolute;transform:translateX(-50%)}
.plot{display:grid;grid-template-columns:3.4rem 1fr;gap:.2rem .6rem}
.plot svg{width:100%;height:12rem;display:block;overflow:visible}
.plot line,.plot polyline{vector-effect:non-scaling-stroke}
.ticks.up{height:auto}.ticks.up span{right:0;transform:translateY(50%)}
.series{fill:none;stroke:var(--colour);stroke-width:1.8;stroke-linejoin:round}
.series.faint{stroke-width:1;opacity:.4}.point{stroke-width:6;stroke-linecap:round}
.c0{--colour:var(--bar)}.c1{--colour:var(--good)}.c2{--colour:var(--bad)}.c3{--colour:#9a7bb5}.c4{--colour:#b5892f}
.c5{--colour:var(--base)}
.legend{font-size:.85rem}.legend span{margin-right:.9rem;white-space:nowrap}
.legend span::before{content:"";display:inline-block;width:.8rem;height:.2rem;margin-right:.35rem;vertical-align:middle;
background:var(--colour)}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.7rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.5rem .8rem;text-align:right;vertical-align:top;border-top:1px solid var(--line);white-space:nowrap}
tr:first-child th,tr:first-child td{border-top:0}
th{font-weight:600;font-size:.88rem}
th:first-child{text-align:left}
td small{display:block}
td.words{text-align:left;white-space:normal;min-width:11rem}
.facts th{width:11rem;text-align:left;vertical-align:top}
.facts td{text-align:left;white-space:normal;overflow-wrap:anywhere}
.good-text{color:var(--good)}.bad-text{color:var(--bad)}
ul{padding-left:1.2rem;margin:.4rem 0}
details{background:var(--card);border:1px solid var(--line);border-radius:.7rem;margin:.5rem 0}
summary{cursor:pointer;padding:.6rem 1rem}
details>div{padding:0 1rem 1rem}
.texts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,16rem),1fr));gap:.8rem}
.text{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--page);border-radius:.5rem;padding:.6rem .8rem;
font-size:.92rem}
.text b{display:block;font-size:.8rem;color:var(--soft);font-weight:600}
.wide{margin-bottom:.8rem}
code,pre{font:.88rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--card);border:1px solid var(--line);border-radius:.7rem;
padding:.8rem 1rem;margin:.5rem 0}
@media(max-width:30rem){.row{grid-template-columns:5rem 1fr 2.6rem;gap:.45rem}.facts th{width:7rem}
th,td{padding:.45rem .6rem}}
@media print{.scroll{overflow:visible}details{break-inside:avoid}}
)css";

}  // namespace pomona

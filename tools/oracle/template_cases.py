"""Writes tests/golden/template_cases.json: small templates rendered by the reference Jinja.

The environment is the one Hugging Face transformers makes for chat templates: immutable sandbox, trim_blocks,
lstrip_blocks, loop controls, tojson without HTML escapes. The clock stands at 2026-01-02T03:04:05.
"""
import datetime
import json
import pathlib

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "golden" / "template_cases.json"
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5)

CONTEXT = {
    "n": 7, "half": 0.5, "yes": True, "nothing": None, "name": "Ada", "accents": "h\u00e9 \u4e2d",
    "list": [3, 1, 2], "words": ["b", "A", "c"], "empty": [], "big": 12345678901,
    "person": {"name": "Ada", "age": 36, "items": "shadowed"},
    "people": [{"name": "Bo", "age": 5}, {"name": "Al", "age": 36}, {"name": "Cy", "age": 5}],
    "tools": [{"type": "function", "function": {"name": "f", "strict": False, "x": None, "r": 1.5}}],
    "html": "<a href='x'>&\"", "tree": [{"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": []}]}],
}

SOURCES = r"""
{{ n }} {{ half }} {{ yes }} {{ nothing }} {{ name }} {{ list }} {{ person }} {{ missing }}|
{{ 1 + 2 * 3 - 4 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 2 ** 10 }} {{ 2 ** -1 }}
{{ 7.5 // 2 }} {{ -7.5 % 2 }} {{ 1 / 3 }} {{ 1e20 }} {{ 1e16 }} {{ 1e15 }} {{ 0.0001 }} {{ 0.00001 }} {{ 10 / 5 }}
{{ (1, 2) }} {{ (1,) }} {{ () }} {{ [1, 'a', none, true, 2.0] }} {{ {'a': 1, 'b': [2]} }}
{{ "it's" }} {{ ["it's", 'say "x"', "a\nb\\c\t"] }} {{ ["\x01", "é"] }}
{{ 'a' 'b' "c" }} {{ 'a\'b' }} {{ "x\u00e9\x41\101\q" }}
{{ 'a' ~ 1 ~ none ~ true }} {{ 'ab' * 3 }} {{ 2 * [1, 2] }} {{ [1] + [2] }}
{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' == 1 }}
{{ 1 in list }} {{ 9 not in list }} {{ 'd' in name }} {{ 'age' in person }} {{ 'x' in missing }}
{{ not yes }} {{ not missing }} {{ yes and n }} {{ nothing or 'x' }} {{ 0 or '' }} {{ 1 and 2 and 3 }}
{{ 'a' if yes else 'b' }} {{ 'a' if nothing }} {{ 'a' if nothing else 'b' if yes else 'c' }}
{{ list[0] }} {{ list[-1] }} {{ list[9] }}| {{ list[1:] }} {{ list[:-1] }} {{ list[::-1] }} {{ list[::2] }} {{ list[-2:] }}
{{ name[0] }} {{ name[-1] }} {{ name[1:] }} {{ name[::-1] }} {{ accents[3] }} {{ accents[:2] }} {{ accents|length }}
{{ person.name }} {{ person['age'] }} {{ person.get('age') }} {{ person.get('z') }} {{ person.get('z', 5) }} {{ person.zz }}|
{{ person['items'] }} {{ person.keys()|list }} {{ person.values()|list }} {{ person.items()|list }}
{{ people.0.name }} {{ people[1].name }} {{ people[-1]['name'] }}
{% for x in list %}{{ x }}{% endfor %}
{% for x in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}
{% for x in list %}{{ loop.previtem }}<{{ x }}>{{ loop.nextitem }} {% endfor %}
{% for x in list if x > 1 %}{{ loop.index }}:{{ x }} {% endfor %}
{% for x in empty %}{{ x }}{% else %}none{% endfor %} {% for x in missing %}{% else %}undefined{% endfor %}
{% for k, v in person.items() %}{{ k }}={{ v }};{% endfor %} {% for k in person %}{{ k }}{% endfor %}
{% for c in 'héy' %}[{{ c }}]{% endfor %} {% for i in range(3) %}{{ i }}{% endfor %} {% for i in range(5, 0, -2) %}{{ i }}{% endfor %}
{% for x in list %}{{ loop.cycle('a', 'b') }}{% endfor %} {% for p in people %}{{ loop.changed(p.age) }}{% endfor %}
{% for x in list %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %} {% for x in list %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}
{% for t in tree recursive %}{{ t.v }}({{ loop.depth }}){% if t.kids %}[{{ loop(t.kids) }}]{% endif %}{% endfor %}
{% set x = 1 %}{% for i in list %}{% set x = x + i %}{{ x }} {% endfor %}{{ x }}
{% for i in list %}{% if loop.first %}{% set y = 1 %}{% endif %}{{ y }}|{% endfor %}
{% set ns = namespace(a=1, b=[]) %}{% for i in list %}{% set ns.a = ns.a + i %}{% set ns.b = ns.b + [i] %}{% endfor %}{{ ns.a }} {{ ns.b }} {{ ns.zz }}|
{% set a, b = 1, 2 %}{{ a }}{{ b }} {% set (c, d) = [3, 4] %}{{ c }}{{ d }}
{% set x %}a{{ n }}b{% endset %}{{ x }} {% set y | upper | replace('A', 'Z') %}abc{% endset %}{{ y }}
{% if n > 5 %}big{% elif n > 3 %}mid{% else %}small{% endif %} {% if missing %}a{% elif yes %}b{% endif %}
{% macro f(a, b=2, c=a) %}{{ a }}-{{ b }}-{{ c }}{% endmacro %}{{ f(1) }} {{ f(1, c=5) }} {{ f(b=3, a=4) }} {{ f() }}
{% macro f(n) %}{{ n }}{% if n > 0 %},{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(3) }}
{% macro f() %}{{ x }}{% endmacro %}{% set x = 5 %}{{ f() }}
{% macro f(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call f('b') %}in {{ n }}{% endcall %}
{% macro f() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) f() %}{{ a }}+{{ b }}{% endcall %}
{% with a = 1, b = n %}{{ a }}{{ b }}{% endwith %}{{ a }}| {% filter upper %}abc {{ name }}{% endfilter %}
{% raw %}{{ not }} {% a %}{% endraw %} {# comment {{ x }} #}after
{% generation %}text{% endgeneration %}
{{ '  x '|trim }}|{{ 'xxaxx'|trim('x') }}|{{ name|lower }}|{{ name|upper }}|{{ 'hello big WORLD'|title }}|{{ 'hELLO'|capitalize }}
{{ 'a-b-c'|replace('-', '+') }} {{ 'a-b-c'|replace('-', '+', 1) }} {{ 'abc'|replace('', '.') }} {{ 123|replace(2, 'x') }}
{{ list|join(', ') }} {{ list|join }} {{ people|join(';', attribute='name') }} {{ list|first }} {{ list|last }} {{ empty|first }}|
{{ list|sort }} {{ list|sort(reverse=true) }} {{ words|sort }} {{ words|sort(case_sensitive=true) }} {{ people|sort(attribute='name')|map(attribute='name')|list }}
{{ list|length }} {{ person|length }} {{ missing|length }} {{ list|count }} {{ list|sum }} {{ people|sum(attribute='age') }} {{ list|min }} {{ list|max }} {{ words|max }}
{{ list|reverse|list }} {{ 'abc'|reverse }} {{ [1, 2, 1, 3]|unique|list }} {{ ['a', 'A']|unique|list }}
{{ list|map('string')|list }} {{ words|map('upper')|join }} {{ people|map(attribute='age')|list }} {{ people|map(attribute='zz', default=0)|list }}
{{ people|selectattr('age', 'equalto', 5)|map(attribute='name')|list }} {{ people|rejectattr('age', 'gt', 10)|list|length }} {{ list|select('odd')|list }} {{ list|reject('odd')|list }} {{ [0, 1, '']|select|list }}
{{ people|groupby('age')|length }} {% for age, group in people|groupby('age') %}{{ age }}:{{ group|map(attribute='name')|join(',') }} {% endfor %}
{{ missing|default('d') }} {{ nothing|default('d') }} {{ nothing|default('d', true) }} {{ ''|d('e', boolean=true) }} {{ person.zz|default('d') }}
{{ '3'|int }} {{ 'x'|int }} {{ 'x'|int(9) }} {{ 3.9|int }} {{ '3.9'|int }} {{ 'ff'|int(0, 16) }} {{ '2.5'|float }} {{ 'x'|float }} {{ n|float }} {{ -3|abs }} {{ 2.567|round(2) }} {{ 2.5|round }} {{ 2.1|round(0, 'ceil') }}
{{ 'a b  c'.split() }} {{ 'a,b,,c'.split(',') }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ ' a  b '.split(' ') }} {{ 'a b c'.split(none, 1) }}
{{ 'abc'.startswith('a') }} {{ 'abc'.endswith(('b', 'c')) }} {{ ' x '.strip() }}|{{ 'xax'.lstrip('x') }}|{{ 'xax'.rstrip('x') }}|{{ 'abcabc'.find('c') }} {{ 'abc'.find('z') }} {{ 'abcabc'.rfind('b') }} {{ 'aXbX'.count('X') }}
{{ 'a\nb\r\nc'.splitlines() }} {{ 'abc'.replace('b', 'x') }} {{ ', '.join(['a', 'b']) }} {{ 'prefix-x'.removeprefix('prefix-') }} {{ 'x.py'.removesuffix('.py') }} {{ '42'.zfill(5) }} {{ '-42'.zfill(5) }}
{{ 'abc'.upper() }} {{ 'ABC'.lower() }} {{ 'a b'.title() }} {{ 'abc'.isalpha() }} {{ '12'.isdigit() }} {{ 'a1'.isalnum() }} {{ ' '.isspace() }} {{ 'AB'.isupper() }} {{ 'Ab'.islower() }}
{{ '{} and {}'.format('a', 1) }} {{ '{1}{0}{1}'.format('a', 'b') }} {{ '{x}{{}}'.format(x=3) }} {{ list.index(1) }} {{ list.count(3) }}
{{ '%s is %d, %.2f %5d|%-5s|%05d %x %%' % ('a', 3, 1.5, 42, 'l', -42, 255) }} {{ '%(a)s' % {'a': 1} }} {{ '%s' % 5 }} {{ '%r' % 'a' }} {{ '%+d %e %g' % (3, 12345.678, 0.0001) }}
{{ '%s-%s'|format('a', 2) }} {{ 'a\nb\n\nc'|indent }} {{ 'a\nb'|indent(2, true) }} {{ 'the quick fox'|wordcount }} {{ html|e }} {{ html|escape }} {{ html|safe }}
{{ '<'|safe + '<' }} {{ '<' + '<'|e }} {{ '<b>'|safe + name + '&' }}
{{ tools|tojson }} {{ 'é<>&"\'\n'|tojson }} {{ [1, 2.0, none, true]|tojson }} {{ {}|tojson }} {{ []|tojson }} {{ {'b': 1, 'a': 2}|tojson(sort_keys=true) }}
{{ tools|tojson(indent=2) }} {{ []|tojson(indent=2) }} {{ {'a': 'é\U0001F600'}|tojson(ensure_ascii=true) }} {{ {'a': [1, 2]}|tojson(separators=(',', ':')) }}
{{ n is number }} {{ n is integer }} {{ half is float }} {{ name is string }} {{ list is iterable }} {{ list is sequence }} {{ person is mapping }} {{ person is sequence }} {{ yes is boolean }} {{ yes is true }} {{ yes is false }} {{ nothing is none }}
{{ missing is defined }} {{ missing is not defined }} {{ name is defined }} {{ person.zz is undefined }} {{ n is odd }} {{ n is even }} {{ n is divisibleby 7 }} {{ n is eq 7 }} {{ n is lt 8 }} {{ 1 is in list }} {{ n is sameas n }} {{ name is not none and n is not none }}
{{ 'A' is upper }} {{ 'a' is lower }} {{ raise_exception is callable }} {{ true is integer }} {{ true is number }} {{ name is iterable }} {{ n is iterable }}
{{ dict(a=1, b=2) }} {{ {'a': 1}.items()|list }} {{ person|items|list|length }} {{ {'b': 1, 'A': 2}|dictsort }} {{ [1, 2, 3, 4, 5]|batch(2)|list }} {{ [1, 2, 3]|batch(2, 0)|list }}
{{ strftime_now('%Y-%m-%d %H:%M:%S %d %b %B %a %A %y %j %I %p %%') }}
{{ big }} {{ big * 1000 }} {{ 1_000 }} {{ +n }} {{ -n }} {{ -half }} {{ - -n }} {{ 2**3**2 }} {{ -2**2 }}
{{ n|string + 'x' }} {{ (n|string)|length }} {{ n~'' == '7' }} {{ 'a' in ['a'] and 'b' not in ['a'] }}
{{ {'a': {'b': [10, 20]}}.a.b[1] }} {{ [[1, 2], [3]][0][1] }} {{ ({'x': 1}).x }} {{ {1: 'one'}[1] }} {{ {'a': 1}['a'] }}
{{ list == [3, 1, 2] }} {{ person == {'age': 36, 'name': 'Ada', 'items': 'shadowed'} }} {{ (1, 2) == [1, 2] }} {{ nothing == missing }} {{ missing == other }}
{{ messages[0]['role'] if messages else 'none' }} {{ (list|length) % 2 == 1 }} {{ list|length > 2 and 'x' }} {{ (list|first)|string }}
{{ "a" if list|length > 1 else "b" }} {{ list[list|length - 1] }} {{ list[n - 6:] }} {{ (list + [4])|sum }} {{ list|map('int')|sum }}
{{ 'a b c'.rsplit(none, 1) }} {{ ' a  b '.rsplit(none, 1) }} {{ ' a b '.rsplit(none, 0) }} {{ ' a b\tc '.rsplit() }} {{ 'a b '.split(none, 1) }} {{ ' a b '.split(none, 0) }} {{ 'a '.split(none, 5) }} {{ ' '.split() }} {{ ' '.rsplit() }}
{{ 'aaa'.rsplit('aa', 1) }} {{ 'aXbXc'.rsplit('X') }} {{ 'éXéXé'.rsplit('X', 1) }} {{ 'aXbXc'.split('X', 0) }} {{ 'aXb'.rsplit('X', -5) }} {{ 'aXbX'.split('X') }} {{ 'XaX'.rsplit('X') }}
{{ 1 // 0.1 }} {{ -1 // 0.1 }} {{ 7.5 // -2 }} {{ -4.0 % 2 }} {{ 4.0 % -2 }} {{ 0.0 // 3 }} {{ -0.5 // 1e300 }} {{ 1e300 // 3 }} {{ 6.0 % 0.1 }} {{ 0.3 // 0.1 }} {{ 5 % 1e300 }} {{ -5 % 1e300 }}
{{ [] * 3 }} {{ '' * 3 }}| {{ 3 * () }} {{ [1] * -1 }} {{ 'ab' * -1 }}| {{ 2 * 'ab' }}
{{ 'aXbX'.rfind('X') }} {{ 'abc'.rfind('z') }} {{ 'éaéa'.rfind('a') }} {{ 'éaéa'.find('éa') }} {{ 'abc'.find('') }} {{ 'abc'.rfind('') }} {{ 'aaaa'.count('aa') }} {{ 'éa'.count('') }} {{ '' in 'a' }} {{ 'ab' in 'a' }}
{{ 'aaaa'|replace('aa', 'b') }} {{ 'aaaa'.replace('a', 'b', 2) }} {{ 'abc'.replace('', '-', 2) }} {{ 'éa'.replace('', '-') }} {{ 'abc'.replace('b', '', 0) }} {{ 'abc'.replace('b', '', -1) }}
{{ 'éaé'.strip('é') }} {{ 'xyabyx'.strip('yx') }} {{ 'xyabyx'.rstrip('yx') }} {{ 'aa'.strip('a') }}| {{ 'ab'.strip('') }} {{ ' a\u00a0'.strip() }}|
{{ {1: 'a', 1.0: 'b', true: 'c'} }} {{ {1: 'a'}[true] }} {{ {2.5: 'x'}[2.5] }} {{ {none: 1}[none] }} {{ {0: 'z'}[-0.0] }} {{ {'a': 1, 'a': 2} }} {{ {12345678901: 1}[12345678901.0] }}
{% set d = {'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'f': 6, 'g': 7, 'h': 8, 'i': 9, 'j': 10, 1: 11, 2.5: 12, none: 13, 'a': 14} %}{{ d }} {{ d.j }} {{ d['k'] }}|{{ d[1.0] }} {{ d[2.5] }} {{ d[none] }} {{ 'i' in d }} {{ 'z' in d }} {{ d.get('h') }} {{ d == dict(d) }} {{ d|length }}
{{ dict({'a': 1}, b=2, a=3) }} {{ [1, 2, 2.0, 'a', 'A', none, none]|unique|list }} {{ [['nan'|float, 1]]|groupby(0)|length }} {{ [1, [2, ['x']]] == [1, [2, ['x']]] }} {{ [1, 2] == (1, 2) }} {{ {'a': [1]} == {'a': [2]} }}
{{ '%-6d|%06.1f|%+d|% d|%6s|%.1s|%%|%x' % (5, 2.25, 3, 4, 'é', 'éa', 255) }} {{ '%(a)5s%(b)s' % {'a': 'x', 'b': [1]} }} {{ '%s' % [1, 2] }} {{ 'no' % () }}
{{ '{} {x}'.format('a', x=[1, 'b']) }} {{ '{{{}}}'.format(none) }} {{ 'ab'.zfill(1) }} {{ '+5'.zfill(4) }} {{ 'é'.zfill(3) }}
{{ {'b': [1, {'c': 'é'}], 'a': {}}|tojson(indent=1) }} {{ {'b': 1, 'a': [], 2: 3}|tojson }} {{ ['\x01é"\\\x7f']|tojson }} {{ 1.5|tojson }} {{ {'a': 1, 'b': 2}|tojson(indent=0) }}
{{ ['\x01', '\x7f', "'", '"', "'\"", '\\'] }} {{ 'a\n\nb\n'|indent(2) }}|{{ 'a\n\nb'|indent(1, blank=true) }}|{{ ''|indent(2, true) }}|{{ 'a\r\n\nb\r'.splitlines(true) }}
{{ "they're (o'clock) a-b x1y"|title }} {{ "they're (o'clock) a-b x1y".title() }} {{ 'éa éb'|title }} {{ 'ÉA'|capitalize }} {{ ['b', 'a']|sort|join('') }} {{ {'b': 2, 'a': 1}|dictsort(by='value') }} {{ 'a.b'.split('.')|last }} {{ ['x']|batch(3, '-')|list }}
{{ people|map(attribute='name')|map('lower')|join('+') }} {{ people|groupby('age')|map('first')|list }} {{ [[1, 2], [3]]|map('sum')|list }} {{ [['a', 'b']]|map(attribute='1')|list }} {{ [['a', 'b']]|map(attribute=0)|list }}
{{ raise_exception('my own message ' ~ n) }}
{{ missing.x }}
{{ missing() }}
{{ person.zz.y }}
{{ nothing.x.y }}
{{ name + n }}
{{ n + name }}
{{ name + nothing }}
{{ name + missing }}
{{ list + name }}
{{ n < name }}
{{ nothing > n }}
{{ n() }}
{{ 1 / 0 }}
{{ 1 // 0 }}
{{ 1 % 0 }}
{{ 1.0 / 0 }}
{% for x in nothing %}{% endfor %}
{% for x in n %}{% endfor %}
{% for a, b in [[1, 2, 3]] %}{% endfor %}
{% for a, b in [[1]] %}{% endfor %}
{{ n|length }}
{{ nothing|length }}
{{ nothing in n }}
{{ n in name }}
{{ nothing|join }}
{{ list.append(4) }}
{{ -name }}
{{ name.zz() }}
{{ list[0].x }}|{{ n.x }}|{{ name.zz }}|{{ name['zz'] }}|{{ list['zz'] }}|{{ nothing.zz }}|
{{ range(200000) }}
{{ '%d' % 'x' }}
{{ '%s %s' % ('a',) }}
{{ '%s' % ('a', 'b') }}
{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}
{% macro f(a) %}{% endmacro %}{{ f(b=2) }}
{{ {[1]: 2} }}
{{ {'a': nothing + 1} }}
{% set x.y = 1 %}
{% set person.y = 1 %}
{{ dict(a=1)|tojson ~ missing|tojson }}
"""

MULTILINE = [
    "  {% if yes %}  \n  a\n  {% endif %}  \nb",
    "  {%- if yes -%}  \n  a  \n  {%- endif -%}  \nb",
    "x\n  {%+ if yes %}x{% endif %}",
    "  {% if yes +%}\ny{% endif %}",
    "{{ n }}\n", "{{ n }}\n\n", "{{ n -}}\n   z {{- n }}", "a\n  {# comment #}\nb {# c #}\nc{#- d -#}  d",
    "\t{% set q = 1 %}\n\t{{ q }}\t{% set r = 2 %}\n{{ r }}", "{% for i in range(2) %}\n  - {{ i }}\n{% endfor %}\nend",
    "  text {% if yes %} inline {% endif %} more", "{% if yes %}{% endif %}\n\ntwo", "a\r\nb\rc{% if yes %}\r\nd{% endif %}",
    "{%- set x = 'a' -%}\n\n {{ x }} \n\n{%- if x %}\n\n b\n{%- endif %}\n", "{% raw %}\n {{ x }}\n{% endraw %}\ny",
    "  {% raw -%}  x  {%- endraw %}  y", "{{ {'a':{'b':1}}['a']['b'] }}", "{{ [{'a': {}}] }}", "{{ '}}' }} {{ '%}' }}",
    "a\u00a0{%- if yes %}\u00a0b{% endif %}", "{{\nn\n}}", "{#\n a\n#}\n x", "   {{ n }}", "\n\n{% if yes %}\n\n\nx{% endif %}",
]


def environment():
    class Generation(jinja2.ext.Extension):
        tags = {"generation"}

        def parse(self, parser):
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return jinja2.nodes.CallBlock(self.call_method("_body"), [], [], body).set_lineno(line)

        def _body(self, caller):
            return caller()

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    env = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda f: NOW.strftime(f)
    return env


def main():
    env = environment()
    cases = []
    for source in SOURCES.strip("\n").split("\n") + MULTILINE:
        case = {"source": source}
        try:
            case["text"] = env.from_string(source).render(CONTEXT)
        except Exception as error:  # every kind of error has its message
            case["error"] = str(error)
        cases.append(case)
    lines = ",\n  ".join(json.dumps(c) for c in cases)
    top = {"script": "tools/oracle/template_cases.py", "made_with": {"jinja2": jinja2.__version__}, "context": CONTEXT}
    OUT.write_text(json.dumps(top)[:-1] + ',\n "cases": [\n  ' + lines + "\n]}\n")


if __name__ == "__main__":
    main()

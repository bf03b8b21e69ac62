{#- Everything a model promises of its rows, in one scan: a node of dbt costs more than the scan. A broken promise blocks
    the publication, a doubt warns.

    rules      dimension of quality → name → SQL predicate that must be true for every row (NULL counts as broken)
    doubts     the same, but a breach only warns
    grain      columns of which no combination stands twice (uniqueness)
    totals     name → {expression, to, to_expression, to_filter, among}: its sum here is the other relation's, to the cent;
               `among`: of the rows there whose value of this column stands here too
    every_day  column in which no day is missing from the first order to as_of (completeness)
    contract   stream (shop.orders) whose contract the model keeps: its promises are added, its references as doubts,
               and its key is the grain unless one is given
    known      column → stream whose contract lists its values; others are a doubt
    refers     column → {to, column}: a value that is not there is a doubt, NULL too

    The failing result names each broken rule with its number of rows. -#}
{% test holds(
  model, rules={}, doubts={}, grain=[], totals={}, every_day=none, contract=none, known={}, refers={}
) %}
  {%- set promised, doubted, joined = rules_of_all(rules), rules_of_all(doubts), [] %}
  {%- for column, stream in known.items() %}
    {%- do doubted.update({column ~ '_is_known': column ~ ' in (' ~ values_of(stream, column) ~ ')'}) %}
  {%- endfor %}
  {%- for column, there in refers.items() %}
    {%- do doubted.update({column ~ '_is_there': refers_to(column, there.to, there.column, joined)}) %}
  {%- endfor %}
  {%- if contract %}
    {%- do promised.update(promises_of(contract)) %}
    {%- set grain = grain or contract_of(contract).grain %}
    {%- for name, one in (contract_of(contract).references or {}).items() %}
      {%- set found = refers_to(one.by, ref(one.model), one.column, joined) %}
      {%- do doubted.update({name: one.by ~ ' is null or ' ~ found}) %}
    {%- endfor %}
  {%- endif %}
  {{ config(
    fail_calc='coalesce(sum(broken_rows), 0)', error_if='> ' ~ rows_of(doubted.keys() | list)
  ) }}
  {%- set counts = {} %}
  {%- for name, predicate in (promised.items() | list) + (doubted.items() | list) %}
    {%- do counts.update({name: 'sum(case when ' ~ predicate ~ ' then 0 else 1 end)'}) %}
  {%- endfor %}
  {%- for name, total in totals.items() %} {%- do counts.update({name: differs(total, model)}) %} {%- endfor %}
  {%- if grain %} {%- do counts.update({'one_row_per_grain': 'count(*) - ' ~ combinations(grain)}) %} {%- endif %}
  {%- if counts %}
  with counted as (
    select
      {%- for name, count in counts.items() %}
      {{ count }} as {{ name }}{{ ',' if not loop.last }}
      {%- endfor %}
    from {{ model }}
    {%- for join in joined %}
    {{ join }}
    {%- endfor %}
  ),

  broken as (
    select
      names.broken_rule,
      case names.broken_rule
        {%- for name in counts %}
        when '{{ name }}' then {{ name }}
        {%- endfor %}
      end as broken_rows
    from counted
    cross join (values {% for name in counts %}('{{ name }}'){{ ', ' if not loop.last }}{% endfor %}) as names (broken_rule)
  )

  select broken_rule, cast(broken_rows as bigint) as broken_rows
  from broken
  where broken_rows > 0
  {%- endif %}
  {{ 'union all' if counts and every_day }}
  {%- if every_day %}
  select 'every_day' as broken_rule, cast(count(*) as bigint) as broken_rows
  from {{ business_days() }} as days
  where days.date_day not in (select {{ every_day }} from {{ model }} where {{ every_day }} is not null)
  having count(*) > 0
  {%- endif %}
{% endtest %}

{#- The rules of all dimensions by their names. -#}
{% macro rules_of_all(by_dimension) -%}
  {%- set dimensions = ['completeness', 'accuracy', 'consistency', 'timeliness', 'uniqueness'] -%}
  {%- set found = {} -%}
  {%- for dimension, rules in by_dimension.items() -%}
    {%- if dimension not in dimensions or rules is not mapping -%}
      {{ exceptions.raise_compiler_error(
        "holds: '" ~ dimension ~ "' is no dimension with rules. Next: put the rules under one of " ~ dimensions | join(', ')
      ) }}
    {%- endif -%}
    {%- do found.update(rules) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{#- How many rows of a result broke the rules of these names. -#}
{% macro rows_of(names) -%}
  {%- if not names -%} {{ return('0') }} {%- endif -%}
  {{ return("coalesce(sum(case when broken_rule in ('" ~ names | join("', '") ~ "') then broken_rows end), 0)") }}
{%- endmacro %}

{#- Whether a column's value stands in another relation; the join that tells is added to `joined`. A relation that has
    not been built yet, because only a part of the graph was asked for, holds nothing against anybody. -#}
{% macro refers_to(column, to, to_column, joined) -%}
  {%- if not relation_exists(to) and flags.INTROSPECT -%} {{ return('true') }} {%- endif -%}
  {%- set mark = 'there_' ~ (joined | length + 1) -%}
  {%- do joined.append(
    'left join (select distinct ' ~ to_column ~ ' as ' ~ mark ~ ' from ' ~ to ~ ') as ' ~ mark ~ 's on '
    ~ column ~ ' = ' ~ mark
  ) -%}
  {{ return(mark ~ ' is not null') }}
{%- endmacro %}

{#- 1 when the sum of an expression is not that of another relation's. -#}
{% macro differs(total, model) -%}
  {%- set filter = total.to_filter or 'true' -%}
  {%- if total.among -%}
    {%- set filter = filter ~ ' and ' ~ total.among ~ ' in (select ' ~ total.among ~ ' from ' ~ model ~ ')' -%}
  {%- endif -%}
  {{ return(
    'case when coalesce(sum(' ~ total.expression ~ '), 0) <> (select coalesce(sum(' ~ total.to_expression ~ '), 0) from '
    ~ total.to ~ ' where ' ~ filter ~ ') then 1 else 0 end'
  ) }}
{%- endmacro %}

{#- How many combinations of the columns there are. One aggregate of the whole scan: a group for each combination, with
    every rule's sum in it, costs half as much again. -#}
{% macro combinations(columns) -%}
  {%- if columns | length > 1 -%} count(distinct ({{ columns | join(', ') }}))
  {%- else -%} (count(distinct {{ columns[0] }}) + coalesce(max(case when {{ columns[0] }} is null then 1 else 0 end), 0))
  {%- endif -%}
{%- endmacro %}

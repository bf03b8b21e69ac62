{#- Everything a model promises of its rows, in one scan. `rules` maps a dimension of quality to rules, and a rule's name
    to an SQL predicate that must be true for every row (NULL counts as broken), `grain` are the columns of which no
    combination stands twice (uniqueness), `every_day` is the column in which no day is missing from the first order to
    as_of (completeness). `contract` names the stream (shop.orders) whose contract the model keeps: its promises are
    added, and its key is the grain unless one is given; `known` maps a column to the stream whose contract lists its
    values. The failing result names each broken rule with its number of
    rows. -#}
{% test holds(model, rules={}, grain=[], every_day=none, contract=none, known={}) %}
  {{ config(fail_calc='coalesce(sum(broken_rows), 0)') }}
  {%- set rules = rules_of_all(rules) %}
  {%- for column, stream in known.items() %}
    {%- do rules.update({column ~ '_is_known': column ~ ' in (' ~ values_of(stream, column) ~ ')'}) %}
  {%- endfor %}
  {%- if contract %}
    {%- do rules.update(promises_of(contract)) %}
    {%- set grain = grain or contract_of(contract).grain %}
  {%- endif %}
  {%- set counted = rules.keys() | list + (['one_row_per_grain'] if grain else []) %}
  {%- if counted %}
  with counted as (
    select
      {%- for name, predicate in rules.items() %}
      sum(case when {{ predicate }} then 0 else 1 end) as {{ name }}{{ ',' if grain or not loop.last }}
      {%- endfor %}
      {%- if grain %}
      count(*) - {{ combinations(grain) }} as one_row_per_grain
      {%- endif %}
    from {{ model }}
  ),

  broken as (
    select
      names.broken_rule,
      case names.broken_rule
        {%- for name in counted %}
        when '{{ name }}' then {{ name }}
        {%- endfor %}
      end as broken_rows
    from counted
    cross join (values {% for name in counted %}('{{ name }}'){{ ', ' if not loop.last }}{% endfor %}) as names (broken_rule)
  )

  select broken_rule, cast(broken_rows as bigint) as broken_rows
  from broken
  where broken_rows > 0
  {%- endif %}
  {{ 'union all' if counted and every_day }}
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

{#- How many combinations of the columns there are. One aggregate of the whole scan: a group for each combination, with
    every rule's sum in it, costs half as much again. -#}
{% macro combinations(columns) -%}
  {%- if columns | length > 1 -%} count(distinct ({{ columns | join(', ') }}))
  {%- else -%} (count(distinct {{ columns[0] }}) + coalesce(max(case when {{ columns[0] }} is null then 1 else 0 end), 0))
  {%- endif -%}
{%- endmacro %}

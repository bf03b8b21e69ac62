{#- Many rules on the rows of one model in one scan. `rules` maps a name to an SQL predicate that must be true for
    every row (NULL counts as broken). The failing result names each broken rule with its number of rows. -#}
{% test holds(model, rules) %}
  {{ config(fail_calc='coalesce(sum(broken_rows), 0)') }}
  with counted as (
    select
      {%- for name, predicate in rules.items() %}
      sum(case when {{ predicate }} then 0 else 1 end) as {{ name }}{{ ',' if not loop.last }}
      {%- endfor %}
    from {{ model }}
  )
  {%- for name in rules %}
  select '{{ name }}' as broken_rule, cast({{ name }} as bigint) as broken_rows
  from counted
  where {{ name }} > 0
  {{ 'union all' if not loop.last }}
  {%- endfor %}
{% endtest %}

{#- Two relations must give one total: what a mart sums up is what the facts hold, to the cent. -#}
{% test same_total(model, expression, to, to_expression, filter='true', to_filter='true') %}
  select here.total, there.total as expected
  from
    (select coalesce(sum({{ expression }}), 0) as total from {{ model }} where {{ filter }}) as here
  cross join
    (select coalesce(sum({{ to_expression }}), 0) as total from {{ to }} where {{ to_filter }}) as there
  where here.total <> there.total
{% endtest %}

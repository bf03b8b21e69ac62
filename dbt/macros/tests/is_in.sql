{#- Every combination of the columns stands in another relation: the combinations that do not, with their number of rows. -#}
{% test is_in(model, columns, to, to_columns) %}
  select
    {%- for column in columns %} here.{{ column }},{% endfor %}
    count(*) as row_count
  from {{ model }} as here
  left join {{ to }} as there
    on {% for column in columns %}here.{{ column }} = there.{{ to_columns[loop.index0] }}{{ ' and ' if not loop.last }}{% endfor %}
  where there.{{ to_columns[0] }} is null
  group by {% for column in columns %}here.{{ column }}{{ ', ' if not loop.last }}{% endfor %}
{% endtest %}

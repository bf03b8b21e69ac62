{#- A daily mart has a row for every day from the first order to as_of: the missing days. -#}
{% test every_day(model, column_name) %}
  select days.date_day
  from {{ business_days() }} as days
  where days.date_day not in (select {{ column_name }} from {{ model }} where {{ column_name }} is not null)
{% endtest %}

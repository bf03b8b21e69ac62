{#- Name of the segment a customer's quintiles put them in (5 = most recent, most frequent, highest value); NULL quintiles, a customer
    who never ordered, give 'no orders'. The first line that fits counts; the data dictionary describes each name. -#}
{% macro rfm_segment(recency, frequency, monetary) -%}
  case
    when {{ recency }} is null then 'no orders'
    when {{ recency }} >= 4 and {{ frequency }} >= 4 and {{ monetary }} >= 4 then 'champions'
    when {{ recency }} >= 3 and {{ frequency }} >= 3 then 'loyal'
    when {{ recency }} >= 4 then 'promising'
    when {{ recency }} = 3 then 'needs attention'
    when {{ frequency }} >= 4 and {{ monetary }} >= 4 then 'cannot lose'
    when {{ frequency }} >= 3 then 'at risk'
    else 'hibernating'
  end
{%- endmacro %}

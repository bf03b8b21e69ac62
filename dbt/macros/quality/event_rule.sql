{#- The first rule an event breaks, read with that user and that time; null when it keeps them all. -#}
{% macro event_rule(user_id, occurred_at) -%}
  case
    when event_id is null then 'event_id_present'
    when {{ user_id }} is null then 'user_id_present'
    when session_id is null then 'session_id_present'
    when event_type is null then 'event_type_present'
    when {{ occurred_at }} is null then 'timestamp_present'
    when received_at is null then 'received_at_present'
    when {{ occurred_at }} < timestamp '2000-01-01 00:00:00' then 'timestamp_not_before_2000'
    when {{ occurred_at }} > received_at + interval '5' minute then 'timestamp_not_in_the_future'
  end
{%- endmacro %}

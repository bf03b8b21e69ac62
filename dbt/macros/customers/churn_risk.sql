{#- Churn risk from 0 (bought today) towards 1, rounded to 6 decimals:

        silence ÷ (silence + 2 × usual gap),   usual gap = (days from first to last purchase + 30) ÷ purchases

    so that a customer silent for twice their own usual gap stands at 0.5. The 30 days are one month's prior, which keeps the gap of
    someone who bought once from being zero. Both sides are multiplied by the number of purchases, so only whole numbers are
    divided. The score rises with the silence; at the same silence it rises with the number of purchases and falls with the span
    they were spread over. Who never purchased counts as one purchase on the day of sign-up. -#}
{% macro churn_risk(silence, purchases, span) -%}
  {{ ratio(
    '(' ~ silence ~ ') * (' ~ purchases ~ ')', '(' ~ silence ~ ') * (' ~ purchases ~ ') + 2 * ((' ~ span ~ ') + 30)', 6, digits=0
  ) }}
{%- endmacro %}

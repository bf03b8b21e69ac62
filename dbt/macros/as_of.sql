{#-
  The point in time a run stands at: never the wall clock.

  as_of() is the day up to which daily marts have rows: the day of the latest order, or SHOPSPHERE_AS_OF when that is
  later, so that the backfill of an old day never rewinds a mart. as_of_days() are the days for which tables that keep
  one row set per as_of build theirs: SHOPSPHERE_AS_OF_START to SHOPSPHERE_AS_OF, both inclusive; by default as_of()
  alone.
-#}

{% macro as_of() -%}
  {%- set latest = "(select max(" ~ business_date('placed_at') ~ ") from " ~ ref('stg_shop__orders') ~ ")" -%}
  {%- set told = day_setting('AS_OF') -%}
  {%- if told -%} greatest({{ told }}, coalesce({{ latest }}, {{ told }}))
  {%- else -%} {{ latest }}
  {%- endif -%}
{%- endmacro %}

{#- A relation with one column, as_of: `from {{ as_of_days() }} as days`. -#}
{% macro as_of_days() -%}
  {%- set told = day_setting('AS_OF') -%}
  {%- set start = day_setting('AS_OF_START') or told -%}
  {%- do check_window(start, told) -%}
  {%- if told -%} (select t.as_of from unnest({{ date_series(start, told) }}) as t (as_of))
  {%- else -%} (select {{ as_of() }} as as_of)
  {%- endif -%}
{%- endmacro %}

{#- Every business day from the first order to as_of(), column date_day; marts left-join their facts to it, because
    the day without an order has a row as well. -#}
{% macro business_days() -%}
  (
    select d.date_day
    from {{ ref('dim_dates') }} as d
    where
      d.date_day >= (select min({{ business_date('placed_at') }}) from {{ ref('stg_shop__orders') }})
      and d.date_day <= {{ as_of() }}
  )
{%- endmacro %}

{#- Days and instants. Instants are TIMESTAMP(6) without zone and mean UTC; days are business days. -#}

{#- The business day of an instant: a UTC day, or a day in the zone of the setting business_timezone. -#}
{% macro business_date(instant) -%}
  {%- set zone = setting('BUSINESS_TIMEZONE', 'UTC') -%}
  {%- if zone == 'UTC' -%} cast({{ instant }} as date)
  {%- else -%} {{ return(adapter.dispatch('date_in_zone')(instant, zone)) }}
  {%- endif -%}
{%- endmacro %}

{% macro default__date_in_zone(instant, zone) -%}
  cast(with_timezone({{ instant }}, 'UTC') at time zone '{{ zone }}' as date)
{%- endmacro %}

{% macro duckdb__date_in_zone(instant, zone) -%}
  cast(timezone('{{ zone }}', timezone('UTC', {{ instant }})) as date)
{%- endmacro %}

{#- date + whole days, weeks or months; a month later than the 31st is the last day of a shorter month. -#}
{% macro add_days(day, days) -%} {{ return(adapter.dispatch('add_days')(day, days)) }} {%- endmacro %}

{% macro default__add_days(day, days) -%} date_add('day', {{ days }}, {{ day }}) {%- endmacro %}

{% macro duckdb__add_days(day, days) -%} cast({{ day }} + to_days(cast({{ days }} as integer)) as date) {%- endmacro %}

{% macro add_months(day, months) -%} {{ return(adapter.dispatch('add_months')(day, months)) }} {%- endmacro %}

{% macro default__add_months(day, months) -%} date_add('month', {{ months }}, {{ day }}) {%- endmacro %}

{% macro duckdb__add_months(day, months) -%}
  cast({{ day }} + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}

{#- Whole days from the first business day to the second (negative when it is earlier). -#}
{% macro days_between(first_day, second_day) -%}
  date_diff('day', cast({{ first_day }} as date), cast({{ second_day }} as date))
{%- endmacro %}

{#- Calendar months from the month of the first day to the month of the second. -#}
{% macro months_between(first_day, second_day) -%}
  date_diff('month', {{ month_of(first_day) }}, {{ month_of(second_day) }})
{%- endmacro %}

{#- Milliseconds of the clock from one instant to another: each is cut to its millisecond first, as Trino's date_diff
    does with microseconds. -#}
{% macro milliseconds_between(first_instant, second_instant) -%}
  {{ return(adapter.dispatch('milliseconds_between')(first_instant, second_instant)) }}
{%- endmacro %}

{% macro default__milliseconds_between(first_instant, second_instant) -%}
  date_diff('millisecond', {{ first_instant }}, {{ second_instant }})
{%- endmacro %}

{% macro duckdb__milliseconds_between(first_instant, second_instant) -%}
  (epoch_us({{ second_instant }}) // 1000 - epoch_us({{ first_instant }}) // 1000)
{%- endmacro %}

{#- First day of the month, and last. -#}
{% macro month_of(day) -%} cast(date_trunc('month', {{ day }}) as date) {%- endmacro %}

{% macro last_day_of_month(day) -%} {{ add_days(add_months(month_of(day), 1), -1) }} {%- endmacro %}

{#- 1 = Monday … 7 = Sunday. -#}
{% macro iso_weekday(day) -%} {{ return(adapter.dispatch('iso_weekday')(day)) }} {%- endmacro %}

{% macro default__iso_weekday(day) -%} cast(day_of_week({{ day }}) as integer) {%- endmacro %}

{% macro duckdb__iso_weekday(day) -%} cast(isodow({{ day }}) as integer) {%- endmacro %}

{#- Array of every day, or every first of a month, from the first to the last inclusive: `cross join unnest(…) as t
    (day)`. -#}
{% macro date_series(first_day, last_day, unit='day') -%}
  {{ return(adapter.dispatch('date_series')(first_day, last_day, unit)) }}
{%- endmacro %}

{% macro default__date_series(first_day, last_day, unit) -%}
  sequence({{ first_day }}, {{ last_day }}, interval '1' {{ unit }})
{%- endmacro %}

{% macro duckdb__date_series(first_day, last_day, unit) -%}
  cast(generate_series({{ first_day }}, {{ last_day }}, interval '1' {{ unit }}) as date[])
{%- endmacro %}

{#- ISO 8601 text with a zone ("2017-12-15T13:05:11.123Z") as an instant in UTC; NULL when it is not one. -#}
{% macro instant_from_text(text) -%} {{ return(adapter.dispatch('instant_from_text')(text)) }} {%- endmacro %}

{% macro default__instant_from_text(text) -%}
  cast(try(from_iso8601_timestamp_nanos({{ text }})) at time zone 'UTC' as timestamp(6))
{%- endmacro %}

{% macro duckdb__instant_from_text(text) -%}
  timezone('UTC', try_cast({{ text }} as timestamptz))
{%- endmacro %}

{#-
  Exact arithmetic that both engines agree on to the last digit.

  decimal ÷ decimal is a DOUBLE on DuckDB and a half-up DECIMAL on Trino, and average() rounds differently again; so
  no model divides by itself: every rate and every average is a ratio().
-#}

{#- numerator ÷ denominator as DECIMAL(precision, scale), rounded half up (away from zero), NULL when the
    denominator is NULL or 0. Both may be any exact number with at most `digits` decimals: cents by default; 0 is
    enough for two counts. -#}
{% macro ratio(numerator, denominator, scale=2, digits=2, precision=18) -%}
  cast(
    cast({{ half_up_quotient(
      whole(numerator, digits, digits + scale),
      'nullif(' ~ whole(denominator, digits, digits) ~ ', ' ~ wide_zero() ~ ')'
    ) }} as decimal(38, 0)) * {{ unit(scale) }} as decimal({{ precision }}, {{ scale }})
  )
{%- endmacro %}

{#- 10^-scale as a DECIMAL, so that multiplying by it moves the point and rounds nothing. -#}
{% macro unit(scale) -%}
  {%- if scale == 0 -%} cast(1 as decimal(1, 0))
  {%- else -%} cast('{{ '0.' ~ ('0' * (scale - 1)) ~ '1' }}' as decimal({{ scale + 1 }}, {{ scale }}))
  {%- endif -%}
{%- endmacro %}

{#- An exact number with `digits` decimals as a whole number of 10^-shift. -#}
{% macro whole(number, digits, shift) -%}
  cast(cast({{ number }} as decimal(38, {{ digits }})) * cast({{ 10 ** shift }} as decimal(38, 0)) as decimal(38, 0))
{%- endmacro %}

{#- Quotient of two whole numbers, rounded half away from zero; a NULL denominator gives NULL. -#}
{% macro half_up_quotient(numerator, denominator) -%}
  {{ return(adapter.dispatch('half_up_quotient')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__half_up_quotient(numerator, denominator) -%}
  ({{ numerator }} / {{ denominator }})
{%- endmacro %}

{% macro duckdb__half_up_quotient(numerator, denominator) -%}
  {{ sign_of(numerator) }} * {{ sign_of(denominator) }}
  * ((2 * abs(cast({{ numerator }} as hugeint)) + abs(cast({{ denominator }} as hugeint)))
    // (2 * abs(cast({{ denominator }} as hugeint))))
{%- endmacro %}

{% macro sign_of(number) -%} (case when {{ number }} < 0 then -1 else 1 end) {%- endmacro %}

{% macro wide_zero() -%} cast(0 as decimal(38, 0)) {%- endmacro %}

{#- Whole-number division that drops the rest; `/` alone gives a DOUBLE on DuckDB unless a setting says otherwise. -#}
{% macro integer_divide(numerator, denominator) -%}
  {{ return(adapter.dispatch('integer_divide')(numerator, denominator)) }}
{%- endmacro %}

{% macro default__integer_divide(numerator, denominator) -%} (({{ numerator }}) / ({{ denominator }})) {%- endmacro %}

{% macro duckdb__integer_divide(numerator, denominator) -%} (({{ numerator }}) // ({{ denominator }})) {%- endmacro %}

{#- Exact median of an aggregate: the middle value, or half the sum of the two in the middle (one more decimal than
    `value`). `value` must be an exact number; NULLs are left out; no value gives NULL. Trino has only an
    approximate one of its own. -#}
{% macro median(value) -%}
  (
    ({{ sorted_values(value) }}[{{ integer_divide('count(' ~ value ~ ') + 1', '2') }}]
    + {{ sorted_values(value) }}[{{ integer_divide('count(' ~ value ~ ')', '2') }} + 1]) * cast(0.5 as decimal(2, 1))
  )
{%- endmacro %}

{% macro sorted_values(value) -%}
  array_sort(array_agg({{ value }}) filter (where {{ value }} is not null))
{%- endmacro %}

{#- Text, patterns and JSON. Patterns keep to what RE2 and Java share; replacements use no back references. -#}

{% macro duckdb__safe_cast(field, type) -%} try_cast({{ field }} as {{ type }}) {%- endmacro %}

{% macro trino__type_timestamp() -%} timestamp(6) {%- endmacro %}

{#- What is a blank, spelled out for a pattern, because the engines' own classes and trim() differ: Unicode's White_Space
    without the line and paragraph separators. -#}
{% macro blanks() -%}
  {{ return('\t\n\u000b\f\r \u0085\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000') }}
{%- endmacro %}

{#- Text without blanks around it. -#}
{% macro stripped(text) -%}
  {{ replace_matches(text, '^[' ~ blanks() ~ ']+|[' ~ blanks() ~ ']+$', '') }}
{%- endmacro %}

{#- Text without blanks around it, no-break spaces (Latin-1's 160) within it being plain ones; null when nothing is left. -#}
{% macro tidy_text(text) -%} nullif({{ stripped('replace(' ~ text ~ ', chr(160), \' \')') }}, '') {%- endmacro %}

{#- Text as a whole number (bigint); null when it is not one, written with digits alone. DuckDB's try_cast would take 12.5,
    1e3 and 0x10 too, and Trino's none of them. -#}
{% macro whole_number(text) -%}
  case when {{ matches(text, '^ *[+-]?[0-9]+ *$') }} then {{ dbt.safe_cast('trim(' ~ text ~ ')', 'bigint') }} end
{%- endmacro %}

{% macro matches(text, pattern) -%} {{ return(adapter.dispatch('matches')(text, pattern)) }} {%- endmacro %}

{% macro default__matches(text, pattern) -%} regexp_like({{ text }}, '{{ pattern }}') {%- endmacro %}

{% macro duckdb__matches(text, pattern) -%} regexp_matches({{ text }}, '{{ pattern }}') {%- endmacro %}

{#- Every match replaced; DuckDB replaces only the first unless told. -#}
{% macro replace_matches(text, pattern, replacement) -%}
  {{ return(adapter.dispatch('replace_matches')(text, pattern, replacement)) }}
{%- endmacro %}

{% macro default__replace_matches(text, pattern, replacement) -%}
  regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{% macro duckdb__replace_matches(text, pattern, replacement) -%}
  regexp_replace({{ text }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}

{#- The first match, or its group; NULL when there is none (DuckDB alone would give an empty string). -#}
{% macro first_match(text, pattern, group=0) -%}
  {{ return(adapter.dispatch('first_match')(text, pattern, group)) }}
{%- endmacro %}

{% macro default__first_match(text, pattern, group) -%}
  regexp_extract({{ text }}, '{{ pattern }}', {{ group }})
{%- endmacro %}

{% macro duckdb__first_match(text, pattern, group) -%}
  nullif(regexp_extract({{ text }}, '{{ pattern }}', {{ group }}), '')
{%- endmacro %}

{#- Field of a JSON text as text, by a path such as $.product_id; NULL when absent or null. -#}
{% macro json_text(json, path) -%} {{ return(adapter.dispatch('json_text')(json, path)) }} {%- endmacro %}

{% macro default__json_text(json, path) -%} json_extract_scalar({{ json }}, '{{ path }}') {%- endmacro %}

{% macro duckdb__json_text(json, path) -%} json_extract_string({{ json }}, '{{ path }}') {%- endmacro %}

{#- Columns as one JSON text, every value a string or null, keys in alphabetical order on both engines. `columns` is
    a list of column names (of the relation `alias`, if given), or a mapping of key to expression. -#}
{% macro json_record(columns, alias=none) -%}
  {%- set fields = {} -%}
  {%- for key in columns | sort -%}
    {%- do fields.update({key: columns[key] if columns is mapping else (alias ~ '.' if alias else '') ~ key}) -%}
  {%- endfor -%}
  {{ return(adapter.dispatch('json_record')(fields)) }}
{%- endmacro %}

{% macro default__json_record(fields) -%}
  json_format(cast(map(
    array[{% for key in fields %}'{{ key }}'{{ ', ' if not loop.last }}{% endfor %}],
    array[{% for key in fields %}cast({{ fields[key] }} as varchar){{ ', ' if not loop.last }}{% endfor %}]
  ) as json))
{%- endmacro %}

{% macro duckdb__json_record(fields) -%}
  cast(json_object(
    {%- for key in fields %}'{{ key }}', cast({{ fields[key] }} as varchar){{ ', ' if not loop.last }}{% endfor -%}
  ) as varchar)
{%- endmacro %}

{#- Distinct values of a group in order, joined by a separator. -#}
{% macro joined_values(text, separator=', ') -%}
  {{ return(adapter.dispatch('joined_values')(text, separator)) }}
{%- endmacro %}

{% macro default__joined_values(text, separator) -%}
  array_join(array_sort(array_agg(distinct {{ text }})), '{{ separator }}')
{%- endmacro %}

{% macro duckdb__joined_values(text, separator) -%}
  array_to_string(array_sort(array_agg(distinct {{ text }})), '{{ separator }}')
{%- endmacro %}

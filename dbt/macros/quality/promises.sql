{#-
  The contracts of the source streams as SQL sees them. They stand in dbt/contracts/, and contracts() is written from
  there (`shopsphere contracts generate`).
-#}

{#- One stream's contract, by its name such as shop.orders. -#}
{% macro contract_of(stream) -%}
  {%- set found = contracts() -%}
  {%- if stream not in found -%}
    {{ exceptions.raise_compiler_error(
      "There is no contract '" ~ stream ~ "'. Next: write dbt/contracts/" ~ stream ~ ".yml and run `shopsphere contracts generate`"
    ) }}
  {%- endif -%}
  {{ return(found[stream]) }}
{%- endmacro %}

{#- What every published row of the stream keeps: predicates by the name of the check. -#}
{% macro promises_of(stream) -%}
  {%- set one = contract_of(stream) -%}
  {%- set found = {} -%}
  {%- do found.update(one.promises or {}) -%}
  {%- for column, format in (one.formats or {}).items() -%}
    {%- do found.update({column ~ '_is_well_formed': column ~ ' is null or ' ~ in_format(column, format)}) -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

{#- The values a field may have, as SQL literals. -#}
{% macro values_of(stream, column) -%} '{{ contract_of(stream).lists[column] | join("', '") }}' {%- endmacro %}

{#- Whether text has a format that a contract may name. -#}
{% macro in_format(text, format) -%}
  {%- if format == 'iso_4217' -%} {{ return(text ~ ' in (' ~ iso_4217() ~ ')') }} {%- endif -%}
  {%- set patterns = {
    'e164': '^[+][1-9][0-9]{6,14}$', 'email': '^[a-z0-9._%+-]+@([a-z0-9-]+[.])+[a-z]{2,}$'
  } -%}
  {{ return(matches(text, patterns[format])) }}
{%- endmacro %}

{#- Every field of any stream that a person can fix, by the name staging uses. -#}
{% macro fixable_fields() -%}
  {%- set found = [] -%}
  {%- for stream in contracts().values() -%}
    {%- for field in stream.fixable or [] if field not in found -%} {%- do found.append(field) -%} {%- endfor -%}
  {%- endfor -%}
  {{ return(found) }}
{%- endmacro %}

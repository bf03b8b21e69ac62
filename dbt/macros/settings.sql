{#-
  What a run is told from outside: the project's settings, passed in the environment (SHOPSPHERE_*).

  They are read only while models are built, never while the project is parsed: a changed day would otherwise make dbt
  parse every file again.
-#}

{% macro setting(name, default='') -%}
  {%- if execute -%} {{ return(env_var('SHOPSPHERE_' ~ name, default) or default) }} {%- endif -%}
  {{ return(default) }}
{%- endmacro %}

{#- A setting that must be a day (YYYY-MM-DD), as a date literal; none when it is not set. -#}
{% macro day_setting(name) -%}
  {%- set value = setting(name) -%}
  {%- if not value -%} {{ return(none) }} {%- endif -%}
  {%- if not modules.re.match('^\d{4}-\d{2}-\d{2}$', value) -%}
    {{ exceptions.raise_compiler_error(
      "SHOPSPHERE_" ~ name ~ " is '" ~ value ~ "', not a day. Next: give it as YYYY-MM-DD"
    ) }}
  {%- endif -%}
  {{ return("date '" ~ value ~ "'") }}
{%- endmacro %}

{#- Days between START and END of a backfill must be in order, or a typing error would build nothing and say
    nothing. -#}
{% macro check_window(start, end) -%}
  {%- if start and not end -%}
    {{ exceptions.raise_compiler_error(
      "SHOPSPHERE_AS_OF_START is set without SHOPSPHERE_AS_OF. Next: set both, or neither"
    ) }}
  {%- elif start and start > end -%}
    {{ exceptions.raise_compiler_error("SHOPSPHERE_AS_OF_START is after SHOPSPHERE_AS_OF. Next: swap them") }}
  {%- endif -%}
{%- endmacro %}

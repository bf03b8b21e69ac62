{# The schema is the reader's folder, bare: finance, core, staging. Branches keep developers apart, not prefixes. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{- (custom_schema_name or target.schema) | trim -}}
{%- endmacro %}

{#
  One schema for both engines: a contract's types are cast to, once, where the table is created. dbt's own check compares
  types as each adapter prints them, which differs (DuckDB keeps precision, dbt-trino strips it), and dbt-trino's own way
  creates the table empty and then inserts. So names are checked here, types are cast, and a floating-point column that would
  quietly become an exact one is refused.
#}
{% macro contract_select(sql) -%}
    {%- if not config.get('contract').enforced -%}
        {{ sql }}
    {%- else -%}
        {{ check_contract(sql) -}}
        select
        {%- for column in model['columns'].values() %}
            {%- set name = adapter.quote(column['name']) if column.get('quote') else column['name'] %}
            cast({{ name }} as {{ column['data_type'] }}) as {{ name }}{{ "," if not loop.last }}
        {%- endfor %}
        from (
            {{ sql }}
        ) as model_columns
    {%- endif -%}
{%- endmacro %}

{% macro check_contract(sql) -%}
    {%- set promised = model['columns'] -%}
    {%- if not promised -%}{{ exceptions.raise_contract_error([], []) }}{%- endif -%}
    {%- set built = get_column_schema_from_query(sql, config.get('sql_header', none)) -%}
    {%- set wrong = [] -%}
    {%- for column in built if column.name | lower not in promised | map('lower') | list -%}
        {%- do wrong.append(column.name ~ ' is built but not promised') -%}
    {%- endfor -%}
    {%- set built_names = built | map(attribute='name') | map('lower') | list -%}
    {%- for name in promised if name | lower not in built_names -%}
        {%- do wrong.append(name ~ ' is promised but not built') -%}
    {%- endfor -%}
    {%- for column in built -%}
        {%- set promise = (promised.get(column.name) or {}).get('data_type', '') | lower -%}
        {%- if column.dtype | lower in ('double', 'real', 'float') and promise.startswith('decimal') -%}
            {%- do wrong.append(column.name ~ ' is computed in floating point and promised as ' ~ promise) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if wrong -%}
        {%- do exceptions.raise_compiler_error(
            'the contract of ' ~ model['name'] ~ ' does not hold: ' ~ wrong | join('; ')
            ~ '. Next: make the model and its YAML (' ~ (model['patch_path'] or 'missing') ~ ') agree'
        ) -%}
    {%- endif -%}
{%- endmacro %}

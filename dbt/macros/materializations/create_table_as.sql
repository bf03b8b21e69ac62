{# CTAS of the contract's casts on both engines; partitioning as dbt-trino's `properties.partitioning` says it. #}

{% macro duckdb__create_table_as(temporary, relation, compiled_code, language='sql', partitioned_by=none, sorted_by=none) -%}
    {%- if language != 'sql' -%}
        {%- do exceptions.raise_compiler_error('models are SQL here, for both engines; ' ~ relation ~ ' is ' ~ language) -%}
    {%- endif -%}
    {{ config.get('sql_header', none) or '' }}
    create {{ 'temporary ' if temporary }}table {{ relation.include(database=(not temporary), schema=(not temporary)) }}
    {{ '' if temporary else duckdb_partitioning() }} as (
        {{ contract_select(compiled_code) }}
    );
{%- endmacro %}

{# ARRAY['month(placed_at)', 'bucket(customer_id, 8)'] → partitioned by (month(placed_at), bucket(8, customer_id)) #}
{% macro duckdb_partitioning() -%}
    {%- set declared = (config.get('properties') or {}).get('partitioning') -%}
    {%- if declared -%}
        {%- set parts = [] -%}
        {%- for part in modules.re.findall("'([^']+)'", declared) -%}
            {%- set counted = modules.re.match('^(bucket|truncate)\\s*\\(\\s*(\\w+)\\s*,\\s*(\\d+)\\s*\\)$', part) -%}
            {%- do parts.append(
                counted.group(1) ~ '(' ~ counted.group(3) ~ ', ' ~ counted.group(2) ~ ')' if counted else part
            ) -%}
        {%- endfor -%}
        partitioned by ({{ parts | join(', ') }})
    {%- endif -%}
{%- endmacro %}

{# Production changes by publication alone. The embedded engine's door refuses by itself (lakehouse/duckdb_plugin.py). #}
{% macro refuse_production(relation) -%}
    {%- if relation.database == 'lake' -%}
        {%- do exceptions.raise_compiler_error(
            "dbt would write production's " ~ relation ~ '; tables there change by publication alone. '
            ~ 'Next: set SHOPSPHERE_BRANCH to a branch that is a catalog of Trino (docs/guides/development.md)'
        ) -%}
    {%- endif -%}
{%- endmacro %}

{% macro trino__create_table_as(temporary, relation, sql, on_exists=none) -%}
    {%- do refuse_production(relation) -%}
    create{{ ' or replace' if on_exists == 'replace' }} table{{ ' if not exists' if on_exists == 'skip' }} {{ relation }}
    {{ comment(model.get('description')) }}
    {{ properties(temporary) }}
    as (
        {{ contract_select(sql) }}
    );
{%- endmacro %}

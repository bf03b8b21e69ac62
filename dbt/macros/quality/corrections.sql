{#- One row for every personal field of `base` (see cleaned_person) that was read otherwise than written, in the
    columns of quality.corrections; one scan for all fields. -#}
{% macro person_corrections(base, source_table, key) -%}
  select
    'shop' as source_system,
    '{{ source_table }}' as source_table,
    cast({{ key }} as varchar) as record_key,
    customer_id,
    case field {% for field in person_fields() %} when '{{ field }}' then '{{ person_rule(field) }}'{% endfor %} end
      as rule,
    field,
    before_value,
    after_value,
    case when after_value is null then 'nulled' else 'corrected' end as status,
    _sdc_commit_seq as _commit_seq
  from (
    select
      base.*,
      fields.field,
      case fields.field {% for field in person_fields() %} when '{{ field }}' then source_{{ field }}{% endfor %} end
        as before_value,
      case fields.field {% for field in person_fields() %} when '{{ field }}' then {{ field }}{% endfor %} end
        as after_value
    from {{ base }} as base
    cross join (
      values {% for field in person_fields() %}('{{ field }}'){{ ', ' if not loop.last }}{% endfor %}
    ) as fields (field)
  ) as written
  where
    before_value is distinct from after_value
    or (after_value is null and field in ('first_name', 'last_name'))
{%- endmacro %}

{% macro person_rule(field) -%}
  {{ return({
    'first_name': 'name_present', 'last_name': 'name_present',
    'email': 'email_well_formed', 'phone': 'phone_in_e164',
    'street': 'address_written_out', 'region': 'address_written_out', 'country': 'address_written_out',
    'city': 'city_and_postcode_in_place', 'postcode': 'city_and_postcode_in_place'
  }[field]) }}
{%- endmacro %}

{#- One row for every field of `base` that a person said is otherwise than written, where the record is believed so;
    one scan for all fields. -#}
{% macro fix_corrections(base, source_system, source_table, keys, fields, commit_seq='_sdc_commit_seq') -%}
  select *
  from (
    select
      '{{ source_system }}' as source_system,
      '{{ source_table }}' as source_table,
      {% for key in keys %}cast({{ key }} as varchar){{ " || '-' || " if not loop.last }}{% endfor %} as record_key,
      cast({{ {'orders': 'customer_id', 'events': 'user_id'}.get(source_table, 'null') }} as bigint) as customer_id,
      written_rule as rule,
      fixes.field,
      case fixes.field {% for field in fields %} when '{{ field }}' then cast(written_{{ field }} as varchar){% endfor %} end
        as before_value,
      case fixes.field {% for field in fields %} when '{{ field }}' then cast({{ field }} as varchar){% endfor %} end
        as after_value,
      'fixed' as status,
      {{ commit_seq }} as _commit_seq
    from {{ base }} as base
    cross join (values {% for field in fields %}('{{ field }}'){{ ', ' if not loop.last }}{% endfor %}) as fixes (field)
    where base.is_fixed and base.rule is null and base.written_rule is not null
  ) as fixed
  where before_value is distinct from after_value
{%- endmacro %}

{#-
  What people type about themselves, put right: one definition for the customer table and for its history.

  A value that can be read is corrected (case, spaces, national phone formats, abbreviations, city and postcode
  swapped); one that cannot is null, never guessed. The corrections are recorded by comparing each field with what the
  source wrote.
-#}

{% macro person_fields() -%}
  {{ return(['first_name', 'last_name', 'email', 'phone', 'street', 'city', 'region', 'postcode', 'country']) }}
{%- endmacro %}

{#- The fields as the source wrote them (source_<field>) and as we read them (<field>). -#}
{% macro cleaned_person() -%}
  {%- for field in person_fields() %}
  {{ field }} as source_{{ field }},
  {%- endfor %}
  {{ tidy_text('first_name') }} as first_name,
  {{ tidy_text('last_name') }} as last_name,
  {{ cleaned_email('email') }} as email,
  {{ cleaned_phone('phone') }} as phone,
  {{ cleaned_street('street') }} as street,
  {{ tidy_text('case when ' ~ city_is_postcode() ~ ' then postcode else city end') }} as city,
  {{ tidy_text('region') }} as region,
  {{ tidy_text('case when ' ~ city_is_postcode() ~ ' then city else postcode end') }} as postcode,
  upper({{ tidy_text('country') }}) as country
{%- endmacro %}

{#- Lower case without blanks; null when it is not name@domain.tld. -#}
{% macro cleaned_email(email) -%}
  {%- set tidy = 'lower(' ~ replace_matches(email, '[[:space:]]', '') ~ ')' -%}
  case when {{ matches(tidy, '^[a-z0-9._%+-]+@([a-z0-9-]+[.])+[a-z]{2,}$') }} then {{ tidy }} end
{%- endmacro %}

{#- E.164 (+ and digits); a number without + is read as North American; null when the digits are too few or too
    many. -#}
{% macro cleaned_phone(phone) -%}
  {%- set digits = replace_matches(phone, '[^0-9]', '') -%}
  {%- set is_national = 'not ' ~ matches(phone, '^ *[+]') ~ ' and length(' ~ digits ~ ') = 10' -%}
  {%- set intended = "case when " ~ is_national ~ " then '1' || " ~ digits ~ ' else ' ~ digits ~ ' end' -%}
  case
    when {{ matches(phone, '[A-Za-z]') }} then null
    when {{ matches(intended, '^(1[2-9][0-9]{9}|[2-9][0-9]{7,14})$') }} then '+' || {{ intended }}
  end
{%- endmacro %}

{#- The kind of street written out, one blank between words. -#}
{% macro cleaned_street(street) -%}
  {%- set words = {
    'Aly': 'Alley', 'Ave': 'Avenue', 'Blvd': 'Boulevard', 'Cir': 'Circle', 'Ct': 'Court', 'Dr': 'Drive',
    'Hwy': 'Highway', 'Ln': 'Lane', 'Pkwy': 'Parkway', 'Pl': 'Place', 'Rd': 'Road', 'Sq': 'Square', 'St': 'Street',
    'Ter': 'Terrace', 'Trl': 'Trail'
  } -%}
  {%- set done = namespace(text='trim(' ~ replace_matches(street, '[[:space:]]+', ' ') ~ ')') -%}
  {%- for short, word in words.items() -%}
    {%- set done.text = replace_matches(done.text, ' ' ~ short ~ '[.]?$', ' ' ~ word) -%}
  {%- endfor -%}
  nullif({{ done.text }}, '')
{%- endmacro %}

{% macro city_is_postcode() -%}
  coalesce({{ matches('city', '[0-9]') }} and not {{ matches('postcode', '[0-9]') }}, false)
{%- endmacro %}

{#- Everything that makes two versions of a customer differ, as one text to compare. -#}
{% macro person_state() -%}
  {{ json_record(person_fields() + ['marketing_consent', 'deleted_at']) }}
{%- endmacro %}

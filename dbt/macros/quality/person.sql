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
  {%- set tidy = 'lower(' ~ replace_matches(email, '[' ~ blanks() ~ ']', '') ~ ')' -%}
  case when {{ in_format(tidy, 'email') }} then {{ tidy }} end
{%- endmacro %}

{#- E.164 (+ and digits), of a country that there is. A number without + is a North American one, or null. With +, a zero right after the
    country's code may be the one that is dialled at home, so it is null, but for the countries whose numbers begin with
    a zero. tests/quality holds it against phonenumbers: the same number, or none. -#}
{% macro cleaned_phone(phone) -%}
  {%- set digits = replace_matches(phone, '[^0-9]', '') -%}
  {%- set country = '^(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|21[1-368]|2[2-46][0-9]|35[0-9]'
    ~ '|5[09][0-9]|25[0-8]|37[0-8]|96[0-8]|29[017-9]|38[0-35-79]|42[013]|67[02-9]|68[0-35-9]|69[0-2]|8[07][08]|85[02356]'
    ~ '|88[0-368]|97[0-79]|99[2-68])' -%}
  case
    when not {{ matches(phone, '^ *[+]?[-0-9 ()./]+$') }} then null
    when not {{ matches(phone, '^ *[+]') }}
      then case when {{ matches(digits, '^1?[2-9][0-9]{9}$') }} then '+1' || substr({{ digits }}, length({{ digits }}) - 9) end
    when
      {{ matches(digits, '^(1[2-9][0-9]{9}|[2-9][0-9]{6,14})$') }}
      and {{ matches(digits, country) }}
      and ({{ matches(digits, '^(225|229|241|242|378|39)') }} or not {{ matches(digits, country ~ '0') }})
      then '+' || {{ digits }}
  end
{%- endmacro %}

{#- The kind of street written out, one blank between words. -#}
{% macro cleaned_street(street) -%}
  {%- set words = {
    'Aly': 'Alley', 'Ave': 'Avenue', 'Blvd': 'Boulevard', 'Cir': 'Circle', 'Ct': 'Court', 'Dr': 'Drive',
    'Hwy': 'Highway', 'Ln': 'Lane', 'Pkwy': 'Parkway', 'Pl': 'Place', 'Rd': 'Road', 'Sq': 'Square', 'St': 'Street',
    'Ter': 'Terrace', 'Trl': 'Trail'
  } -%}
  {%- set done = namespace(text="trim(" ~ replace_matches(street, '[' ~ blanks() ~ ']+', ' ') ~ ")") -%}
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

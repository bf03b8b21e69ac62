{#- The active codes of ISO 4217, as SQL literals. -#}
{% macro iso_4217() -%}
  {%- set codes = (
    'AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN '
    ~ 'BZD CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP '
    ~ 'GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF '
    ~ 'KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR '
    ~ 'MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK '
    ~ 'SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU '
    ~ 'UYW UZS VED VES VND VUV WST XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XUA YER ZAR '
    ~ 'ZMW ZWG'
  ).split(' ') -%}
  '{{ codes | join("', '") }}'
{%- endmacro %}

{#- Whether an order is in another currency than the one its amounts are added up in (setting company_currency): there
    is no rate to convert it with. What is no code at all is a matter of the rule before. -#}
{% macro in_another_currency(currency) -%}
  {{ currency }} in ({{ iso_4217() }}) and {{ currency }} <> '{{ setting('COMPANY_CURRENCY', 'USD') }}'
{%- endmacro %}

-- Whether a sale may be in this currency: the active codes of ISO 4217 (list one of 2026-01-01) that have a minor unit, without funds and
-- units of account. src/types/currency.rs reads the list here; a test compares it with the official one.
create or replace function rowlock._is_currency(p_code text) returns boolean
language sql
immutable
as $$
    select p_code = any (string_to_array(
        'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC '
            'CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR '
            'ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK '
            'MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE '
            'SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND VUV WST XAF XCD XCG XOF '
            'XPF YER ZAR ZMW ZWG',
        ' '
    ))
$$;

comment on function rowlock._is_currency(text) is 'Whether a code is the ISO 4217 code of a currency in use.';

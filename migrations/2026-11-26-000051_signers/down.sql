DROP FUNCTION zone_signer(text, uuid);

DROP FUNCTION audit_heads(text, bigint[]);

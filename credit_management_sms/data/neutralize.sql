-- A copy of a database never writes to customers' telephones.
UPDATE sms_sms
   SET state = 'canceled'
  FROM credit_dunning_letter
 WHERE credit_dunning_letter.sms_uuid = sms_sms.uuid
   AND sms_sms.state IN ('outgoing', 'error');
UPDATE credit_dunning_letter
   SET sms_state = 'left_out', sms_not_before = NULL, sms_reason = 'Copy of a database'
 WHERE sms_state = 'waiting';

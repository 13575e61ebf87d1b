# The key of the seals, where the bucket is not to hold it (seal_key = "kms"): nobody can take it out of KMS, and whoever asks it stands in CloudTrail.

resource "aws_kms_key" "seal" {
  count                    = var.seal_key == "kms" ? 1 : 0
  description              = "DbAccess ${var.installation}: seals what was decided"
  key_usage                = "GENERATE_VERIFY_MAC"
  customer_master_key_spec = "HMAC_256"
  deletion_window_in_days  = 30
  policy                   = data.aws_iam_policy_document.own_key["seal"].json
  tags                     = local.tags
}

resource "aws_kms_alias" "seal" {
  count         = var.seal_key == "kms" ? 1 : 0
  name          = "alias/${var.name}-seal"
  target_key_id = aws_kms_key.seal[0].key_id
}

# The key of the seals, where the bucket is not to hold it (seal_key = "kms"): nobody can take it out of KMS, and whoever asks it stands in CloudTrail.

resource "aws_kms_key" "seal" {
  count                    = var.seal_key == "kms" ? 1 : 0
  description              = "DbAccess ${var.installation}: seals what was decided"
  key_usage                = "GENERATE_VERIFY_MAC"
  customer_master_key_spec = "HMAC_256"
  deletion_window_in_days  = 30
  policy                   = data.aws_iam_policy_document.seal_key.json
  tags                     = local.tags
}

resource "aws_kms_alias" "seal" {
  count         = var.seal_key == "kms" ? 1 : 0
  name          = "alias/${var.name}-seal"
  target_key_id = aws_kms_key.seal[0].key_id
}

data "aws_iam_policy_document" "seal_key" {
  statement {
    sid       = "Account"
    actions   = ["kms:*"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account}:root"]
    }
  }
  statement {
    # Whatever else somebody's role allows: who can have this answered can seal what they like.
    sid       = "ForTheProductAlone"
    effect    = "Deny"
    actions   = ["kms:GenerateMac", "kms:VerifyMac", "kms:CreateGrant"]
    resources = ["*"]
    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
    condition {
      test     = "ArnNotEquals"
      variable = "aws:PrincipalArn"
      values   = local.product_roles
    }
  }
}

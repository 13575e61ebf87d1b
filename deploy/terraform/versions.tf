terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  region    = data.aws_region.current.name
  partition = data.aws_partition.current.partition
  tags      = merge({ Application = "dbaccess", Installation = var.installation }, var.tags)

  # The verbs of the executable, and what each function is called.
  functions = {
    create-db-user  = "${var.name}-create-db-user"
    expire-db-users = "${var.name}-expire-db-users"
  }

  # Who the product is, for policies of keys and buckets. By name, not by reference: a key whose policy waits for a role that waits for the key is never made.
  product_roles = [for name in concat(["${var.name}-web"], values(local.functions)) : "arn:${local.partition}:iam::${local.account}:role/${name}"]
}

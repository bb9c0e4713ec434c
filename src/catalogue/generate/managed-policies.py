"""Condenses documents of policies that AWS manages, from a checkout of github.com/iann0036/iam-dataset.

usage: python3 managed-policies.py CHECKOUT DATE > ../data/managed-policies.jsonl

A line each: the ARN without its partition and account, AWS's version, the document. The first line is the date of the copy.
AdministratorAccess is written from AWS's page, since the checkout may be without it:
https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AdministratorAccess.html
"""

import json
import pathlib
import sys

NAMES = """
AmazonAPIGatewayPushToCloudWatchLogs AmazonAthenaFullAccess AmazonDMSCloudWatchLogsRole AmazonDMSVPCManagementRole
AmazonDynamoDBFullAccess AmazonEC2ContainerRegistryReadOnly AmazonEC2ContainerServiceRole AmazonEC2FullAccess
AmazonEC2ReadOnlyAccess AmazonEC2RoleforSSM AmazonECSTaskExecutionRolePolicy AmazonEKSClusterPolicy
AmazonEKSVPCResourceController AmazonEKSWorkerNodePolicy AmazonEKS_CNI_Policy AmazonEMRServicePolicy_v2
AmazonElasticMapReduceRole AmazonElasticMapReduceforEC2Role AmazonKinesisFirehoseFullAccess AmazonKinesisFullAccess
AmazonKinesisReadOnlyAccess AmazonRDSEnhancedMonitoringRole AmazonRedshiftAllCommandsFullAccess
AmazonRedshiftFullAccess AmazonS3FullAccess AmazonS3ReadOnlyAccess AmazonSNSFullAccess AmazonSQSFullAccess
AmazonSSMDirectoryServiceAccess AmazonSSMManagedInstanceCore AmazonVPCFullAccess AWSCloudFormationFullAccess
AWSCodeBuildDeveloperAccess AWSGlueConsoleFullAccess AWSGlueServiceRole AWSLakeFormationDataAdmin
AWSLambdaBasicExecutionRole AWSLambdaDynamoDBExecutionRole AWSLambdaExecute AWSLambdaKinesisExecutionRole
AWSLambdaSQSQueueExecutionRole AWSLambdaVPCAccessExecutionRole AWSLambda_FullAccess AWSLambda_ReadOnlyAccess
AWSQuicksightAthenaAccess AWSStepFunctionsFullAccess AWSXRayDaemonWriteAccess AWSXrayWriteOnlyAccess
CloudWatchAgentServerPolicy CloudWatchFullAccess CloudWatchLogsFullAccess IAMFullAccess SecretsManagerReadWrite
""".split()

ADMINISTRATOR = {
    "arn": "policy/AdministratorAccess",
    "version": "v1",
    "document": {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    },
}


def main(checkout, date):
    lines = [ADMINISTRATOR]
    for name in NAMES:
        found = json.loads((checkout / "aws/managedpolicies" / f"{name}.json").read_text())
        arn = found["arn"].removeprefix("arn:aws:iam::aws:")
        lines.append({"arn": arn, "version": found["version"], "document": found["document"]})
    print(json.dumps({"date": date}))
    for line in sorted(lines, key=lambda line: line["arn"]):
        print(json.dumps(line, separators=(",", ":"), sort_keys=True))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2])

"""Clicks to visits: one row a session, for the day before and the day that is running."""

import sys
from datetime import date, timedelta

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as f

NAME = "sessionise"  # what this pipeline is called in lake.yaml


def main():
    args = getResolvedOptions(sys.argv, ["JOB_NAME"])
    glue = GlueContext(SparkContext.getOrCreate())
    spark = glue.spark_session
    job = Job(glue)
    job.init(args["JOB_NAME"], args)

    # Things of one lake differ in one word of their names.
    bucket = args["JOB_NAME"].replace(NAME, "events")
    today = date.today()
    # Firehose writes below year/month/day/hour, in UTC.
    days = [f"s3://{bucket}/clicks/{day:%Y/%m/%d}/*/" for day in (today - timedelta(days=1), today)]

    sessions = (
        spark.read.parquet(*days)
        .groupBy("session")
        .agg(
            f.countDistinct("url").cast("int").alias("pages"),
            f.min("at").alias("started_at"),
            (f.max("at").cast("long") - f.min("at").cast("long")).cast("int").alias("seconds"),
        )
        .withColumn("day", f.date_format("started_at", "yyyy-MM-dd"))
    )

    spark.conf.set("spark.sql.sources.partitionOverwriteMode", "dynamic")
    sessions.write.mode("overwrite").partitionBy("day").parquet(f"s3://{bucket}/sessions/")
    job.commit()


if __name__ == "__main__":
    main()

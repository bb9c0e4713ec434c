"""Clicks to visits: one row a session, merged into the table as a visit goes on."""

import sys
from datetime import date, timedelta

from awsglue.context import GlueContext
from awsglue.job import Job
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import functions as f

NAME = "sessions"  # what this pipeline is called in lake.yaml


def main():
    args = getResolvedOptions(sys.argv, ["JOB_NAME"])
    glue = GlueContext(SparkContext.getOrCreate())
    spark = glue.spark_session
    job = Job(glue)
    job.init(args["JOB_NAME"], args)

    # Things of one lake differ in one word of their names.
    def called(thing):
        return args["JOB_NAME"].replace(NAME, thing)

    today = date.today()
    # Firehose writes below year/month/day/hour, in UTC.
    recent = [
        f"s3://{called('raw')}/clicks/{day:%Y/%m/%d}/*/"
        for day in (today - timedelta(days=1), today)
    ]
    visits = (
        spark.read.parquet(*recent)
        .groupBy("session")
        .agg(
            f.countDistinct("url").cast("int").alias("pages"),
            f.min("at").alias("started_at"),
        )
    )
    visits.createOrReplaceTempView("visits")

    table = f"glue_catalog.{called('sales').replace('-', '_')}.sessions"
    spark.sql(
        f"""
        merge into {table} as stored using visits
        on stored.session = visits.session
        when matched then update set *
        when not matched then insert *
        """
    )
    job.commit()


if __name__ == "__main__":
    main()

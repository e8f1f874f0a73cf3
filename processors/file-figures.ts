/** The figures of processors that write files: PvaPy's, and what could not be written. */

export class FileFigures {
  nFilesSaved = 0;
  nBytesSaved = 0;
  nErrors = 0;
  /** Objects without pixels. */
  nEmpty = 0;
  /** Spent in encoding and writing, in s. */
  fileProcessingTime = 0;

  reset(): void {
    this.nFilesSaved = 0;
    this.nBytesSaved = 0;
    this.nErrors = 0;
    this.nEmpty = 0;
    this.fileProcessingTime = 0;
  }

  /** Adds the time since `start`, a reading of `performance.now()`. */
  addTime(start: number): void {
    this.fileProcessingTime += (performance.now() - start) / 1000;
  }

  /** Rates are relative to the processing time; a MB is 10^6 bytes (PvaPy). */
  get stats(): Record<string, number | bigint> {
    const { nFilesSaved, nBytesSaved, nErrors, nEmpty, fileProcessingTime } = this;
    const rate = (n: number): number => (fileProcessingTime > 0 ? n / fileProcessingTime : 0);
    return {
      nFilesSaved,
      nBytesSaved: BigInt(nBytesSaved),
      fileProcessingTime,
      fileProcessingRate: rate(nFilesSaved),
      dataStorageRateMBps: rate(nBytesSaved) / 1e6,
      nErrors,
      nEmpty,
    };
  }

  static readonly types: Readonly<Record<string, string>> = {
    nFilesSaved: 'uint',
    nBytesSaved: 'ulong',
    fileProcessingTime: 'double',
    fileProcessingRate: 'double',
    dataStorageRateMBps: 'double',
    nErrors: 'uint',
    nEmpty: 'uint',
  };
}

export const EXIT_OK = 0;
/** Something went wrong while it ran. */
export const EXIT_FAILED = 1;
/** The configuration or the command line cannot be used; starting again will not help. */
export const EXIT_USAGE = 2;
/** The cluster cannot be reached: trying again later may help. */
export const EXIT_UNREACHABLE = 3;

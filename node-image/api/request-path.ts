/**
 * One slash where a URL starts with several: clients append `/rtc` to what they are configured
 * with, and that often ends in a slash.
 */
export const withoutDoubleSlash = (url: string): string => url.replace(/^\/{2,}/, '/');

/** Whether the path ends in `/rtc/validate`, whatever stands before it. */
export const isValidatePath = (url: string): boolean =>
  (url.split('?')[0] ?? '').endsWith('/rtc/validate');

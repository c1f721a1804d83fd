/**
 * `retrieve/profiles/` has the profiles that nobody has to define: made of what a schema has, by the names and the polarity of
 * its signals. It imports the schema's model and the sort modes of `score/`; profiles go out like defined ones.
 */
export { BUILT_IN_PROFILES, builtInProfile, isBuiltIn } from './built-in.ts';

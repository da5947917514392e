// Served from the package of that name, under this one.
export { default } from 'uplot';

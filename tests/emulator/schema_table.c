/* Zoho's standard modules as far as clients use them, those that exist only to be left out, and two custom ones made to
 * be difficult: Projects has every type of field, Wide has more fields than one list call may name. */
#include "schema_table.h"

#define MAILING "Street text:250; City text:100; State text:100; Zip_Code text:30; Country text:100; "
#define LINES                                                                                                          \
  "Product_Name lookup >Products; Quantity double m; List_Price currency; Discount currency; Tax currency; "           \
  "Net_Total currency c; Description textarea:2000; Sequence_Number integer"
#define TOTALS                                                                                                         \
  "Sub_Total currency c; Discount currency; Tax currency; Adjustment currency; Grand_Total currency c; "               \
  "Terms_and_Conditions textarea:32000 l; Description textarea:32000 l"
#define WIDE(n)                                                                                                        \
  "Wide_Column_With_A_Name_" n "1_Txt text:255; Wide_Column_With_A_Name_" n "2_Int integer; "                          \
  "Wide_Column_With_A_Name_" n "3_Dbl double; Wide_Column_With_A_Name_" n "4_Day date; "                               \
  "Wide_Column_With_A_Name_" n "5_Tim datetime; Wide_Column_With_A_Name_" n "6_Pck picklist =One|Two|Three; "          \
  "Wide_Column_With_A_Name_" n "7_Yes boolean; Wide_Column_With_A_Name_" n "8_Lng textarea:2000; "                     \
  "Wide_Column_With_A_Name_" n "9_Cur currency; Wide_Column_With_A_Name_" n                                            \
  "0_Mul multiselectpicklist =Red|Green|Blue; "

const char usual_fields[]
    = "Owner ownerlookup; Created_By ownerlookup c; Modified_By ownerlookup c; Created_Time datetime c; "
      "Modified_Time datetime c; Last_Activity_Time datetime c; Tag text c; Locked__s boolean c; "
      "Record_Image profileimage c";

const char usual_row_fields[] = "Created_Time datetime c; Modified_Time datetime c";

const ModuleSpec module_specs[] = {
  { "Home", "Home", "Home", "default", NULL, NULL, NULL, "srt", "" },
  { "Leads", "Leads", "Lead", "default", "Full_Name", NULL, NULL, "",
    "Company text:200; First_Name text:40; Last_Name text:80 m; Full_Name text:120 c; Designation text:100; "
    "Email email:100 u; Phone phone:30; Mobile phone:30; Website website:255; "
    "Lead_Source picklist =Advertisement|Cold Call|Trade Show|Web Download; "
    "Lead_Status picklist =Attempted to Contact|Contacted|Lost Lead|Not Contacted; Industry picklist "
    "=ASP|Data/Telecom OEM|Small/Medium Enterprise; No_of_Employees integer; Annual_Revenue currency; "
    "Rating picklist =Acquired|Active|Shut Down; " MAILING
    "Description textarea:32000 l; Email_Opt_Out boolean; Secondary_Email email:100; Converted__s boolean c; "
    "Converted_Date_Time datetime c" },
  { "Contacts", "Contacts", "Contact", "default", "Full_Name", NULL, NULL, "",
    "First_Name text:40; Last_Name text:80 m; Full_Name text:120 c; Account_Name lookup >Accounts; Email email:100 u; "
    "Phone phone:50; Mobile phone:30; Title text:100; Department text:50; Date_of_Birth date; "
    "Lead_Source picklist =Advertisement|Cold Call|Trade Show|Web Download; Reporting_To lookup >Contacts; "
    "Ext_Contact text:100 ux; Mailing_Street text:250; Mailing_City text:100; Mailing_Country text:100; "
    "Description textarea:32000 l; Email_Opt_Out boolean" },
  { "Accounts", "Accounts", "Account", "default", "Account_Name", NULL, NULL, "",
    "Account_Name text:200 m; Phone phone:30; Website website:255; Parent_Account lookup >Accounts; "
    "Account_Number bigint; Account_Type picklist =Analyst|Customer|Partner; "
    "Industry picklist =ASP|Data/Telecom OEM|Small/Medium Enterprise; Employees integer; Annual_Revenue currency; "
    "Ext_Account text:100 ux; Billing_Street text:250; Billing_City text:100; Billing_Country text:100; "
    "Description textarea:32000 l" },
  { "Deals", "Potentials", "Deal", "default", "Deal_Name", NULL, NULL, "",
    "Deal_Name text:120 m; Stage picklist m =Qualification|Needs Analysis|Negotiation/Review|Closed Won|Closed Lost; "
    "Amount currency; Closing_Date date; Account_Name lookup >Accounts; Contact_Name lookup >Contacts; "
    "Probability integer; Expected_Revenue currency c; Type picklist =Existing Business|New Business; "
    "Lead_Source picklist =Advertisement|Cold Call|Trade Show|Web Download; Campaign_Source lookup >Campaigns; "
    "Next_Step text:100; Description textarea:32000 l" },
  { "Tasks", "Tasks", "Task", "default", "Subject", NULL, NULL, "",
    "Subject text:255 m; Due_Date date; Status picklist =Not Started|Deferred|In Progress|Completed; "
    "Priority picklist =High|Normal|Low; Who_Id lookup >Contacts; What_Id multi_module_lookup; Remind_At ALARM; "
    "Recurring_Activity RRULE; Closed_Time datetime c; Description textarea:32000 l" },
  { "Events", "Meetings", "Meeting", "default", "Event_Title", NULL, NULL, "",
    "Event_Title text:255 m; Start_DateTime datetime m; End_DateTime datetime m; All_day boolean; Venue text:255; "
    "Who_Id lookup >Contacts; What_Id multi_module_lookup; Participants participants; Remind_At event_reminder; "
    "Description textarea:32000 l" },
  { "Calls", "Calls", "Call", "default", "Subject", NULL, NULL, "",
    "Subject text:255 m; Call_Type picklist m =Inbound|Outbound|Missed; Call_Start_Time datetime m; "
    "Call_Duration text:10 m; Call_Result picklist =Interested|No response/Busy; Who_Id lookup >Contacts; "
    "What_Id multi_module_lookup; Description textarea:32000 l" },
  { "Activities", "Activities", "Activity", "default", NULL, NULL, NULL, "srt", "" },
  { "Products", "Products", "Product", "default", "Product_Name", NULL, NULL, "",
    "Product_Name text:200 m; Product_Code text:40; Product_Active boolean; Vendor_Name lookup >Vendors; "
    "Unit_Price currency; Qty_in_Stock double; Product_Category picklist =Hardware|Software|Service; "
    "Sales_Start_Date date; Description textarea:32000 l" },
  { "Quotes", "Quotes", "Quote", "default", "Subject", NULL, NULL, "",
    "Subject text:120 m; Quote_Number autonumber c; Quote_Stage picklist =Draft|Negotiation|Delivered|Closed Won; "
    "Valid_Till date; Deal_Name lookup >Deals; Contact_Name lookup >Contacts; Account_Name lookup >Accounts; "
    "Quoted_Items subform m >Quoted_Items; " TOTALS },
  { "Sales_Orders", "SalesOrders", "Sales Order", "default", "Subject", NULL, NULL, "",
    "Subject text:120 m; SO_Number autonumber c; Status picklist =Created|Approved|Delivered|Cancelled; Due_Date date; "
    "Account_Name lookup >Accounts; Contact_Name lookup >Contacts; Deal_Name lookup >Deals; "
    "Ordered_Items subform m >Ordered_Items; " TOTALS },
  { "Purchase_Orders", "PurchaseOrders", "Purchase Order", "default", "Subject", NULL, NULL, "",
    "Subject text:120 m; PO_Number text:50; Vendor_Name lookup m >Vendors; PO_Date date; "
    "Status picklist =Created|Approved|Delivered|Cancelled; Purchase_Items subform m >Purchase_Items; " TOTALS },
  { "Invoices", "Invoices", "Invoice", "default", "Subject", NULL, NULL, "",
    "Subject text:120 m; Invoice_Number autonumber c; Invoice_Date date; Due_Date date; "
    "Status picklist =Created|Approved|Delivered|Cancelled; Account_Name lookup >Accounts; "
    "Contact_Name lookup >Contacts; Invoiced_Items subform m >Invoiced_Items; " TOTALS },
  { "Campaigns", "Campaigns", "Campaign", "default", "Campaign_Name", NULL, NULL, "",
    "Campaign_Name text:200 m; Type picklist =Conference|Webinar|Trade Show; Status picklist "
    "=Planning|Active|Complete; "
    "Start_Date date; End_Date date; Expected_Revenue currency; Budgeted_Cost currency; Num_sent bigint; "
    "Expected_Response bigint; Description textarea:32000 l" },
  { "Vendors", "Vendors", "Vendor", "default", "Vendor_Name", NULL, NULL, "",
    "Vendor_Name text:100 m; Phone phone:30; Email email:100; Website website:255; Category text:50; "
    "Description textarea:32000 l" },
  { "Price_Books", "PriceBooks", "Price Book", "default", "Price_Book_Name", NULL, NULL, "",
    "Price_Book_Name text:100 m; Active boolean; Pricing_Model picklist =Flat|Differential; "
    "Pricing_Details subform m >Pricing_Details; Description textarea:32000 l" },
  { "Cases", "Cases", "Case", "default", "Subject", NULL, NULL, "",
    "Subject text:255 m; Case_Number autonumber c; Status picklist m =New|On Hold|Escalated|Closed; "
    "Case_Origin picklist m =Email|Phone|Web; Priority picklist =High|Medium|Low; Type picklist =Problem|Question; "
    "Account_Name lookup >Accounts; Related_To lookup >Contacts; Deal_Name lookup >Deals; Email email:100; "
    "Phone phone:30; Description textarea:32000 l; Solution textarea:32000 l" },
  { "Solutions", "Solutions", "Solution", "default", "Solution_Title", NULL, NULL, "",
    "Solution_Title text:255 m; Solution_Number autonumber c; Status picklist =Draft|Reviewed|Published; "
    "Published boolean; Question textarea:32000 l; Answer textarea:32000 l" },
  { "Projects", "CustomModule3", "Project", "custom", "Name", NULL, NULL, "",
    "Name text:120 m; Code text:50 ux; Email email:100; Secondary_Email email:100; Brief_RT textarea:50000 r; "
    "Summary textarea:2000; Phases multiselectpicklist =Plan|Build, Test|Ship|Ünïcode ☃; "
    "Kind picklist =Internal|Client \"A\"|R&D / Lab; Reference_Number bigint; Budget currency:16; Rate percent; "
    "Effort double; Team_Size integer; Double_Size formula c; Serial autonumber c; Billable boolean; Start_Date date; "
    "Kickoff datetime; Homepage website:255; Hotline phone:30; Account lookup >Accounts; Lead_Contact lookup "
    ">Contacts; "
    "Manager userlookup; Milestones subform >Milestones; Team_Contacts multiselectlookup >Projects_X_Contacts; "
    "Members multiuserlookup >Projects_X_Users; Documents fileupload; Secret_Margin currency h" },
  { "Wide", "CustomModule7", "Wide", "custom", "Name", NULL, NULL, "t",
    "Name text:120 m; Owner ownerlookup; Created_By ownerlookup c; Modified_By ownerlookup c; Created_Time datetime c; "
    "Modified_Time datetime c; Last_Activity_Time datetime c; Tag text c; " WIDE ("00") WIDE ("01") WIDE ("02")
        WIDE ("03") WIDE ("04") WIDE ("05") WIDE ("06") WIDE ("07") WIDE ("08") WIDE ("09")
            WIDE ("10") "Next_To_Last_Text text:255; Last_Text text:255" },
  { "Archive", "CustomModule9", "Archived Item", "custom", "Name", NULL, NULL, "u", "Name text:120 m" },
  { "Reports", "Reports", "Report", "default", NULL, NULL, NULL, "srt", "" },
  { "Forecasts", "Forecasts", "Forecast", "default", NULL, NULL, NULL, "svrt", "" },
  { "Notes", "Notes", "Note", "default", "Note_Title", NULL, NULL, "ht",
    "Note_Title text:120; Note_Content textarea:65535 l; Parent_Id multi_module_lookup m; Owner ownerlookup; "
    "Created_By ownerlookup c; Modified_By ownerlookup c; Created_Time datetime c; Modified_Time datetime c" },
  { "Attachments", "Attachments", "Attachment", "default", "File_Name", NULL, NULL, "ht",
    "File_Name text:120; Size text:30 c; Parent_Id multi_module_lookup; Owner ownerlookup; Created_By ownerlookup c; "
    "Modified_By ownerlookup c; Created_Time datetime c; Modified_Time datetime c" },
  { "Quoted_Items", "Quoted_Items", "Quoted Item", "subform", NULL, "Quotes", "Quoted_Items", "", LINES },
  { "Ordered_Items", "Ordered_Items", "Ordered Item", "subform", NULL, "Sales_Orders", "Ordered_Items", "", LINES },
  { "Purchase_Items", "Purchase_Items", "Purchase Item", "subform", NULL, "Purchase_Orders", "Purchase_Items", "",
    LINES },
  { "Invoiced_Items", "Invoiced_Items", "Invoiced Item", "subform", NULL, "Invoices", "Invoiced_Items", "", LINES },
  { "Pricing_Details", "Pricing_Details", "Pricing Detail", "subform", NULL, "Price_Books", "Pricing_Details", "",
    "From_Range double; To_Range double; Discount percent" },
  { "Milestones", "LinkingModule1", "Milestone", "subform", NULL, "Projects", "Milestones", "",
    "Title text:120; Due date; Weight double; Done boolean; Cost currency:16; Remark textarea:2000" },
  { "Projects_X_Contacts", "LinkingModule2", "Project x Contact", "linking", NULL, "Projects", "Team_Contacts", "",
    "Project lookup >Projects; Contact lookup >Contacts; Part text:50" },
  { "Projects_X_Users", "LinkingModule3", "Project x User", "linking", NULL, "Projects", "Members", "",
    "Project lookup >Projects; Member userlookup" },
  { 0 },
};
